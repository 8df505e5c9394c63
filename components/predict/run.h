// The component `predict`: a model's answers to every row of a dataset, as a dataset.
#pragma once

#include "components/sdk/step.h"

namespace penstock::predict {

[[nodiscard]] Result<void> RunPredict(sdk::Step& step);

}  // namespace penstock::predict
