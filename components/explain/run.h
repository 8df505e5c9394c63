// The component explain: what each input adds to a model's answers.
#pragma once

#include "components/sdk/step.h"

namespace penstock::explain {

[[nodiscard]] Result<void> RunExplain(sdk::Step& step);

}  // namespace penstock::explain
