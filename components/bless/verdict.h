// The blessing: may this model be published? Every check is reported, also those that hold. Pure.
//
// What cannot be judged is not blessed: a metric that is not defined on these rows passes no bound,
// and a baseline that nothing can be compared with is not beaten.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/evaluate/evaluation.h"
#include "components/sdk/metrics.h"

namespace penstock::bless {

struct Threshold {
  std::string metric;
  std::optional<double> min;  // both inclusive
  std::optional<double> max;
  std::string label = {};  // of several labels: whose metric it is; empty: of all together
};
// Invalid, with what to write, for bounds that no value meets and for one against the metric's
// direction, which would refuse the good models and pass the bad ones.
[[nodiscard]] Result<void> CheckThreshold(const Threshold& threshold);

// What becomes of a model whose baseline cannot be scored on these rows, or not compared with it.
enum class OnUnscorable : std::uint8_t {
  kBless,   // it must beat a constant answer instead, beyond doubt: with a bound of 99.99 %
  kRefuse,  // it is not blessed
};

struct BlessOptions {
  std::vector<Threshold> thresholds;
  bool beat_dummy = true;
  bool must_beat_baseline = false;
  OnUnscorable on_unscorable = OnUnscorable::kBless;
  double tolerance = 0;  // how much worse than the baseline is still no worse
  std::string metric;    // of the comparisons; empty: the task's own
  double confidence = 0.95;
  std::optional<double> person;  // of the metric, for the report
};

struct Check {
  std::string name;  // "serving", "metric", "threshold auc", "dummy", "baseline"
  bool passed = false;
  std::string message;  // one sentence with the numbers
};

struct Verdict {
  bool blessed = false;
  std::string reason;  // of the first check that failed, or that all hold
  std::string metric;
  sdk::Metrics metrics;  // with intervals; none where the model could not be scored
  evaluate::Lines lines;
  std::vector<Check> checks;

  // Of `metric`; not defined where there is none.
  [[nodiscard]] sdk::Metric value() const;
};

// Is the metric defined here; every threshold; then better than a constant answer (two classes: AUC
// above 0.5; else accuracy above the majority class's, RMSE below the mean's; each by a one-sided
// bound); then, with a baseline scored on the same rows:
//   mustBeatBaseline   better: the lower bound of the paired difference is above 0
//   else               not worse by more than `tolerance`: the lower bound is >= -tolerance where a
//                      tolerance is given, else the point values
// where a metric without a bound (comparison.h) is judged by the point values. An error instead of
// a baseline is why it could not be scored: see OnUnscorable; with mustBeatBaseline it always is a
// no. `serving` stands first. Invalid for an unknown metric, and for one without a direction.
[[nodiscard]] Result<Verdict> Judge(const evaluate::Scored& candidate,
                                    const std::optional<Result<evaluate::Scored>>& baseline,
                                    const BlessOptions& options,
                                    const std::optional<Check>& serving = std::nullopt);

// Of a model that could not even be scored.
[[nodiscard]] Verdict Unjudged(const Check& failed, const std::string& metric);

}  // namespace penstock::bless
