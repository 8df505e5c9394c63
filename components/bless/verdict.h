// The blessing: may this model be published? Every check is reported, also those that hold. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/evaluate/evaluation.h"

namespace penstock::bless {

struct Threshold {
  std::string metric;
  std::optional<double> min;  // both inclusive
  std::optional<double> max;
};

struct BlessOptions {
  std::vector<Threshold> thresholds;
  bool beat_dummy = true;
  bool must_beat_baseline = false;
  double tolerance = 0;  // how much worse than the baseline is still no worse
  std::string metric;    // of the comparisons; empty: the task's own
  double confidence = 0.95;
};

struct Check {
  std::string name;  // "threshold auc", "dummy", "baseline"
  bool passed = false;
  std::string message;  // one sentence with the numbers
};

struct Verdict {
  bool blessed = false;
  std::string reason;  // of the first check that failed, or that all hold
  std::string metric;
  double value = 0;
  std::vector<Check> checks;
};

// Every threshold; then better than a constant answer (AUC above 0.5, accuracy above the majority
// class, RMSE below the mean's; for AUC with a one-sided confidence bound by DeLong, else on the
// point values); then, with a baseline scored on the same rows:
//   mustBeatBaseline   better by more than nothing, AUC: the lower bound of the paired difference >
//   0 else               not worse by more than `tolerance`, AUC: the lower bound >= -tolerance
//   where a
//                      tolerance is given, else the point values
// Invalid for an unknown metric.
[[nodiscard]] Result<Verdict> Judge(const evaluate::Scored& candidate,
                                    const std::optional<evaluate::Scored>& baseline,
                                    const BlessOptions& options);

}  // namespace penstock::bless
