#include "components/bless/verdict.h"

#include <algorithm>
#include <cmath>

#include "components/bless/delong.h"
#include "components/sdk/metrics.h"
#include "operator/base/try.h"

namespace penstock::bless {
namespace {

using evaluate::Scored;

std::string Text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::vector<std::uint8_t> Positives(const Scored& scored) {
  std::vector<std::uint8_t> positive;
  for (const float y : scored.labels) positive.push_back(y > 0.5F ? 1 : 0);
  return positive;
}

Result<double> MetricValue(const Json& metrics, const std::string& name) {
  if (!metrics.contains(name)) {
    std::string known;
    for (const auto& [key, value] : metrics.items()) known += (known.empty() ? "" : ", ") + key;
    return Invalid("there is no metric '" + name + "' for this model; there are " + known);
  }
  if (!metrics[name].is_number()) {
    return Invalid("metric '" + name + "' is not defined on this dataset");
  }
  return metrics[name].get<double>();
}

Result<Check> CheckThreshold(const Threshold& t, const Json& metrics) {
  PENSTOCK_ASSIGN(const double value, MetricValue(metrics, t.metric));
  Check check = {"threshold " + t.metric, true, t.metric + " " + Text(value)};
  if (t.min && value < *t.min) {
    check.passed = false;
    check.message += " is below the minimum " + Text(*t.min);
  } else if (t.max && value > *t.max) {
    check.passed = false;
    check.message += " is above the maximum " + Text(*t.max);
  } else {
    check.message += " is within its bounds";
  }
  return check;
}

// The best answer that does not look at the row: the majority class, or the mean.
double DummyValue(const Scored& scored) {
  if (scored.manifest.task == sdk::ModelTask::kRegression) {
    double mean = 0;
    for (const float y : scored.labels) mean += y;
    const std::vector<float> constant(scored.labels.size(),
                                      float(mean / double(scored.labels.size())));
    return sdk::Regression(constant, scored.labels).rmse;
  }
  std::vector<double> counts(scored.manifest.classes.size(), 0);
  for (const float y : scored.labels) counts[std::size_t(y)] += 1;
  return *std::max_element(counts.begin(), counts.end()) / double(scored.labels.size());
}

// Where the metric is no AUC the dummy is judged by accuracy or RMSE.
Result<Check> CheckDummy(const Scored& scored, const Json& metrics, double z) {
  if (scored.manifest.IsBinary()) {
    PENSTOCK_ASSIGN(const double auc, MetricValue(metrics, "auc"));
    const double low = auc - z * AucStandardError(scored.raw, Positives(scored));
    return Check{"dummy", low > 0.5,
                 "auc " + Text(auc) + ", lower bound " + Text(low) +
                     (low > 0.5 ? ", is above" : ", is not above") + " a constant answer's 0.5"};
  }
  const bool regression = scored.manifest.task == sdk::ModelTask::kRegression;
  const std::string name = regression ? "rmse" : "accuracy";
  PENSTOCK_ASSIGN(const double value, MetricValue(metrics, name));
  const double dummy = DummyValue(scored);
  const bool better = regression ? value < dummy : value > dummy;
  return Check{"dummy", better,
               name + " " + Text(value) + (better ? " beats " : " does not beat ") +
                   "a constant answer's " + Text(dummy)};
}

Check JudgeDifference(double difference, double low, const std::string& numbers,
                      const BlessOptions& options) {
  if (options.must_beat_baseline) {
    const bool passed = low > 0;
    return {"baseline", passed,
            numbers + (passed ? ": better than" : ": not better than") + " the baseline"};
  }
  const double judged = options.tolerance > 0 ? low : difference;
  const bool passed = judged >= -options.tolerance;
  return {"baseline", passed,
          numbers + (passed ? ": not worse than" : ": worse than") + " the baseline" +
              (options.tolerance > 0 ? " by more than " + Text(options.tolerance) : "")};
}

Result<Check> CheckBaseline(const Scored& candidate, const Scored& baseline,
                            const std::string& metric, const BlessOptions& options, double z) {
  if (candidate.labels != baseline.labels ||
      candidate.manifest.classes != baseline.manifest.classes) {
    return Check{"baseline", true,
                 "the baseline has another label or other classes, so nothing can be compared"};
  }
  const auto all = [](const Scored& s) { return sdk::ComputeMetrics(s.manifest, s.raw, s.labels); };
  PENSTOCK_ASSIGN(const double ours, MetricValue(all(candidate), metric));
  PENSTOCK_ASSIGN(const double theirs, MetricValue(all(baseline), metric));
  const double sign = sdk::HigherIsBetter(metric) ? 1 : -1;
  const double difference = sign * (ours - theirs);
  double low = difference;
  std::string numbers = metric + " " + Text(ours) + " against " + Text(theirs);
  if (metric == "auc") {
    const auto compared = CompareAucs(candidate.raw, baseline.raw, Positives(candidate));
    low = difference - z * compared.standard_error;
    numbers += ", lower bound of the difference " + Text(low);
  }
  return JudgeDifference(difference, low, numbers, options);
}

}  // namespace

Result<Verdict> Judge(const Scored& candidate, const std::optional<Scored>& baseline,
                      const BlessOptions& options) {
  const Json metrics = sdk::ComputeMetrics(candidate.manifest, candidate.raw, candidate.labels);
  const double z = NormalQuantile(options.confidence);
  Verdict v;
  v.metric = options.metric.empty() ? evaluate::MainMetric(candidate.manifest) : options.metric;
  PENSTOCK_ASSIGN(v.value, MetricValue(metrics, v.metric));
  for (const auto& threshold : options.thresholds) {
    PENSTOCK_ASSIGN(auto check, CheckThreshold(threshold, metrics));
    v.checks.push_back(std::move(check));
  }
  if (options.beat_dummy) {
    PENSTOCK_ASSIGN(auto check, CheckDummy(candidate, metrics, z));
    v.checks.push_back(std::move(check));
  }
  if (baseline) {
    PENSTOCK_ASSIGN(auto check, CheckBaseline(candidate, *baseline, v.metric, options, z));
    v.checks.push_back(std::move(check));
  }
  const auto failed =
      std::find_if(v.checks.begin(), v.checks.end(), [](const Check& c) { return !c.passed; });
  v.blessed = failed == v.checks.end();
  v.reason = v.blessed ? "all checks hold" : failed->message;
  return v;
}

}  // namespace penstock::bless
