// A diagnosis before a long training: can the network learn one batch by heart? If not, something
// is wrong with rows, labels or settings, and more rows will not help. No LibTorch here.
#pragma once

#include <string>

#include "components/train/learner.h"

namespace penstock::train {

struct OverfitReport {
  std::int64_t rows = 0;           // of the batch
  std::int64_t contradictory = 0;  // of them: another row has the same features and another label
  double first_loss = 0;           // of the first step, and of the last, above the least that any
  double last_loss = 0;            // model can have on these labels
  bool learnt = false;             // the last is at most a twentieth of the first
  std::string says;                // a sentence for the report
};

// Trains one network on at most 64 rows (chosen by the seed) for 600 steps, without dropout, decay
// and smoothing. Errors as Learner::Try's.
[[nodiscard]] Result<OverfitReport> OverfitOneBatch(const Rows& rows, const MlpOptions& options,
                                                    const Context& context);

}  // namespace penstock::train
