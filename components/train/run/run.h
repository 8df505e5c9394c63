// The component `train`: the best of linear, boosting and network for a table, as a model artifact.
#pragma once

#include "components/sdk/step.h"

namespace penstock::train {

// Of all learners; links LibTorch.
[[nodiscard]] Result<void> RunTrain(sdk::Step& step);

// For steps whose parameters cannot end in a network (MayNeedNetworks): links no LibTorch.
[[nodiscard]] Result<void> RunTrainWithoutNetworks(sdk::Step& step);

}  // namespace penstock::train
