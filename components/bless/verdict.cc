#include "components/bless/verdict.h"

#include <algorithm>

#include "components/bless/checks.h"
#include "components/bless/comparison.h"
#include "operator/base/try.h"

namespace penstock::bless {
namespace {

using evaluate::Scored;
using sdk::Direction;

// Rows too few for a bound leave nothing to judge by.
Check Compared(const Scored& candidate, const Scored& baseline, const std::string& metric,
               const BlessOptions& options) {
  const bool too_few = metric == "auc" || candidate.labels.size() < 2;
  return JudgeComparison(Compare(candidate, baseline, metric, options.confidence), metric, too_few,
                         options);
}

}  // namespace

Result<void> CheckThreshold(const Threshold& t) {
  const auto against = [&](const char* better, const char* wrong, const char* right, double bound) {
    return Invalid(std::string(wrong) + ": " + better + " of " + t.metric + " is better, so " +
                   wrong + ": " + ShownNumber(bound) +
                   " would refuse the good models and pass the bad ones; write " + right);
  };
  const Direction direction = sdk::DirectionOf(t.metric);
  if (direction == Direction::kMore && t.max) return against("more", "max", "min", *t.max);
  if (direction == Direction::kLess && t.min) return against("less", "min", "max", *t.min);
  if (t.min && t.max && *t.min > *t.max) {
    return Invalid("min: " + ShownNumber(*t.min) + " is above max: " + ShownNumber(*t.max));
  }
  return {};
}

sdk::Metric Verdict::value() const {
  const auto found = metrics.find(metric);
  if (found != metrics.end()) return found->second;
  sdk::Metric none;
  none.why = "the model could not be scored";
  return none;
}

Result<Verdict> Judge(const Scored& candidate, const std::optional<Result<Scored>>& baseline,
                      const BlessOptions& options, const std::optional<Check>& serving) {
  Verdict v;
  v.metric = options.metric.empty() ? evaluate::MainMetric(candidate.manifest) : options.metric;
  v.metrics = sdk::Measure(candidate.manifest, candidate.View(), {}, options.confidence);
  PENSTOCK_ASSIGN(const auto main, MetricToCompareBy(v.metric, v.metrics));
  v.lines = evaluate::LinesOf(candidate, v.metric);
  v.lines.person = options.person;
  v.lines.required = RequiredOf(v.metric, options);
  if (serving) v.checks.push_back(*serving);
  if (!main.defined()) v.checks.push_back({"metric", false, NotDefined(v.metric, main)});
  sdk::Metrics bounded = v.metrics;
  bounded["rows"].value = double(candidate.labels.size());
  for (const auto& threshold : options.thresholds) {
    PENSTOCK_TRY(CheckThreshold(threshold));
    if (!threshold.label.empty()) {
      return Invalid("thresholds: label '" + threshold.label +
                     "' is of a model of several labels, and this one has one");
    }
    PENSTOCK_ASSIGN(auto check, JudgeThreshold(threshold, bounded));
    v.checks.push_back(std::move(check));
  }
  const std::string main_metric = evaluate::MainMetric(candidate.manifest);
  std::string incomparable;
  if (baseline) {
    incomparable =
        *baseline ? WhyIncomparable(candidate, **baseline, v.metric) : baseline->error().message;
  }
  if (!incomparable.empty()) {
    v.checks.push_back(JudgeDummy(
        AgainstDummy(candidate, std::max(options.confidence, kBeyondDoubt)), main_metric));
  } else if (options.beat_dummy) {
    v.checks.push_back(JudgeDummy(AgainstDummy(candidate, options.confidence), main_metric));
  }
  if (baseline) {
    v.checks.push_back(incomparable.empty() ? Compared(candidate, **baseline, v.metric, options)
                                            : NotCompared(incomparable, options));
  }
  Conclude(&v);
  return v;
}

Verdict Unjudged(const Check& failed, const std::string& metric) {
  Verdict v;
  v.metric = metric;
  v.lines.metric = metric;
  v.checks.push_back(failed);
  Conclude(&v);
  return v;
}

}  // namespace penstock::bless
