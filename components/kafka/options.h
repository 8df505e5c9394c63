// What a step asks of the component kafka: parameters, inputs, env.
#pragma once

#include "components/kafka/messages.h"
#include "components/kafka/rows.h"
#include "components/kafka/topic.h"
#include "components/sdk/step.h"

namespace penstock::kafka {

struct Asked {
  TopicSettings topic;
  Wanted wanted;
  IntakeOptions intake;
  RowOptions rows;
  bool quarantine = false;
};

// Invalid names the parameter, the input or the variable.
[[nodiscard]] Result<Asked> ReadAsked(const sdk::Step& step);

}  // namespace penstock::kafka
