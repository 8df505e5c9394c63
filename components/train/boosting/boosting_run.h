// One booster that grows on one set of rows: a tree (of each class) a round. What it is after n
// rounds depends on rows, setting, seed and threads alone, not on where it was stopped and loaded:
// xgboost draws nothing (the rows of a round come from a hash of seed, round and row), and the
// answers that it keeps between rounds are those that it computes afresh, to the bit
// (boosting_checkpoint_test.cc holds it to that).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/train/boosting/booster.h"
#include "components/train/boosting/settings.h"
#include "components/train/learner.h"
#include "operator/base/result.h"

namespace penstock::train {

// The rows, ready for xgboost in so many bins; shared by the runs of settings that have as many.
class BoostingRows {
 public:
  // Invalid for what xgboost or the loss cannot learn.
  [[nodiscard]] static Result<BoostingRows> Make(const model::XgboostLibrary& library,
                                                 const Rows& rows, std::int64_t bins,
                                                 const Context& context);

  BoosterMatrix matrix;
  std::vector<float> weight;  // its mean is 1, so that settings mean the same at any scale
};

class BoostingRun {
 public:
  // `model`: the bytes of a run of `round` rounds, or empty and 0. `rows` and `held_out` (may be
  // null) outlive it.
  [[nodiscard]] static Result<BoostingRun> Make(const model::XgboostLibrary& library,
                                                const BoostingSetting& setting, const Rows& source,
                                                BoostingRows& rows, const BoosterMatrix* held_out,
                                                const Context& context, std::string_view model,
                                                int round);

  // Up to `round`, or until context.stop says so: then it stands at fewer.
  [[nodiscard]] Result<void> GrowTo(int round);
  [[nodiscard]] int round() const { return round_; }
  [[nodiscard]] Booster& booster() { return booster_; }

 private:
  BoostingRun(Booster booster, const BoostingSetting& setting, BoostingRows& rows,
              const Context& context, int round);
  [[nodiscard]] Result<void> DrawRows();

  Booster booster_;
  BoostingSetting setting_;
  BoostingRows* rows_;
  const Context* context_;
  int round_;
};

[[nodiscard]] inline bool Stopped(const Context& context) { return context.stop && context.stop(); }

}  // namespace penstock::train
