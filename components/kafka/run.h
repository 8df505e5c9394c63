// The component kafka: parameters, the messages between two offsets, the dataset.
#pragma once

#include "components/sdk/step.h"

namespace penstock::kafka {

[[nodiscard]] Result<void> RunKafka(sdk::Step& step);

}  // namespace penstock::kafka
