// A diagnosis before a long training: can the network learn one batch by heart? If not, something
// is wrong with rows, labels or settings, and more rows will not help. No LibTorch here.
#pragma once

#include <string>

#include "components/train/learner.h"

namespace penstock::train {

// Trains one network on at most 64 rows (chosen by the seed) for 600 steps, without dropout, decay
// and smoothing. Errors as Learner::Try's.
[[nodiscard]] Result<OverfitReport> OverfitOneBatch(const Rows& rows, const MlpOptions& options,
                                                    const Context& context);

}  // namespace penstock::train
