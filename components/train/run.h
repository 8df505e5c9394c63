// The component `train`: a network on the training rows, chosen by the validation rows, as a model
// artifact.
#pragma once

#include "components/sdk/step.h"

namespace penstock::train {

[[nodiscard]] Result<void> RunTrain(sdk::Step& step);

}  // namespace penstock::train
