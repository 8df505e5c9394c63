// MakeBoosting of learner.h, for those who say how often it writes its checkpoint.
#pragma once

#include <memory>

#include "components/train/learner.h"

namespace penstock::train {

// `segment`: a state is written when so much work (in units of Learner::Cost) has come since the
// last, and when `stop` ends a run. The model does not depend on it.
[[nodiscard]] std::unique_ptr<Learner> MakeBoosting(BoostingOptions options, double segment);

}  // namespace penstock::train
