// The component `train` but for its learners: reads the step, chooses a candidate, fits it, writes
// every output.
//
//   sources -> memory: sample? -> target -> folds -> choose -> calibrate, threshold -> fit -> write
#pragma once

#include "components/sdk/step.h"
#include "components/train/surroundings.h"

namespace penstock::train {

[[nodiscard]] Result<void> Train(sdk::Step& step, const Surroundings& around);

}  // namespace penstock::train
