// The component `evaluate`: metrics of a model on a dataset, over all and by slice.
#pragma once

#include "components/sdk/step.h"

namespace penstock::evaluate {

[[nodiscard]] Result<void> RunEvaluate(sdk::Step& step);

}  // namespace penstock::evaluate
