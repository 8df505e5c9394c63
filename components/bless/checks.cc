#include "components/bless/checks.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "components/sdk/delong.h"
#include "operator/base/try.h"

namespace penstock::bless {
namespace {

using evaluate::Scored;
using sdk::Direction;

Result<sdk::Metric> Find(const sdk::Metrics& metrics, const std::string& name) {
  if (const auto found = metrics.find(name); found != metrics.end()) return found->second;
  std::string known;
  for (const auto& [key, value] : metrics) known += (known.empty() ? "" : ", ") + key;
  return Invalid("there is no metric '" + name + "' for this model; there are " + known);
}

// The standard error of the AUC of scores that know nothing (Mann and Whitney, Ann. Math. Stat. 18,
// 1947): of few rows that are all in order by luck DeLong's is 0.
double ErrorOfLuck(const Scored& scored) {
  double positives = 0;
  for (const float y : scored.labels) positives += y > 0.5F ? 1 : 0;
  const double negatives = double(scored.labels.size()) - positives;
  return std::sqrt((positives + negatives + 1) / (12 * positives * negatives));
}

}  // namespace

std::string ShownNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string NotDefined(const std::string& metric, const sdk::Metric& m) {
  return metric + " is not defined here, as " + m.why;
}

Result<Check> JudgeThreshold(const Threshold& t, const sdk::Metrics& metrics) {
  PENSTOCK_ASSIGN(const sdk::Metric metric, Find(metrics, t.metric));
  Check check = {"threshold " + t.metric, false, t.metric + " " + ShownNumber(metric.value)};
  if (!metric.defined()) {
    check.message = NotDefined(t.metric, metric) + ", so it passes no threshold";
  } else if (t.min && metric.value < *t.min) {
    check.message += " is below the minimum " + ShownNumber(*t.min);
  } else if (t.max && metric.value > *t.max) {
    check.message += " is above the maximum " + ShownNumber(*t.max);
  } else {
    check.passed = true;
    check.message += " is within its bounds";
  }
  return check;
}

Comparison AgainstDummy(const Scored& scored, double confidence) {
  const std::string metric = evaluate::MainMetric(scored.manifest);
  Scored dummy = scored;
  dummy.raw = evaluate::ConstantAnswers(scored, metric);
  if (const std::string why = WhyIncomparable(scored, dummy, metric); !why.empty()) {
    Comparison none;
    none.why_none = why;
    return none;
  }
  Comparison c = Compare(scored, dummy, metric, confidence);
  if (metric == "auc" && c.low) {
    c.low = std::min(*c.low, c.difference - sdk::NormalQuantile(confidence) * ErrorOfLuck(scored));
  }
  return c;
}

Check JudgeDummy(const Comparison& c, const std::string& metric) {
  if (!c.why_none.empty()) {
    return {"dummy", false, "nothing shows that a constant answer is beaten: " + c.why_none};
  }
  const std::string numbers =
      metric + " " + ShownNumber(c.ours) + " against a constant answer's " + ShownNumber(c.theirs);
  if (!c.low) return {"dummy", false, numbers + " has no lower bound, as " + c.why_no_bound};
  return {"dummy", *c.low > 0,
          numbers + ", lower bound of the difference " + ShownNumber(*c.low) +
              (*c.low > 0 ? ": beats it" : ": does not beat it")};
}

Check JudgeComparison(const Comparison& c, const std::string& metric, bool too_few,
                      const BlessOptions& options) {
  std::string numbers = metric + " " + ShownNumber(c.ours) + " against " + ShownNumber(c.theirs);
  if (c.low) numbers += ", lower bound of the difference " + ShownNumber(*c.low);
  // Rows too few for a bound leave nothing to judge by; a metric that has none, the point values.
  const bool by_bound = options.must_beat_baseline || options.tolerance > 0;
  if (!c.low && too_few && by_bound) {
    return {"baseline", false, numbers + " has no lower bound, as " + c.why_no_bound};
  }
  const double judged = by_bound ? c.low.value_or(c.difference) : c.difference;
  if (options.must_beat_baseline) {
    return {"baseline", judged > 0,
            numbers + (judged > 0 ? ": better than" : ": not better than") + " the baseline"};
  }
  const bool passed = judged >= -options.tolerance;
  return {"baseline", passed,
          numbers + (passed ? ": not worse than" : ": worse than") + " the baseline" +
              (options.tolerance > 0 ? " by more than " + ShownNumber(options.tolerance) : "")};
}

Check NotCompared(const std::string& why, const BlessOptions& options) {
  const std::string text = "nothing can be compared with the baseline: " + why;
  if (options.must_beat_baseline) {
    return {"baseline", false,
            text +
                "; what cannot be compared is not beaten. To replace it, run once with "
                "mustBeatBaseline: false"};
  }
  if (options.on_unscorable == OnUnscorable::kRefuse) {
    return {"baseline", false,
            text + "; onUnscorableBaseline is Refuse. To replace it, run once with Bless"};
  }
  return {"baseline", true,
          text + "; in its place a constant answer must be beaten (onUnscorableBaseline: Bless)"};
}

std::optional<double> RequiredOf(const std::string& metric, const BlessOptions& options) {
  for (const Threshold& t : options.thresholds) {
    if (t.metric == metric && t.label.empty()) return t.min ? t.min : t.max;
  }
  return std::nullopt;
}

Result<sdk::Metric> MetricToCompareBy(const std::string& name, const sdk::Metrics& metrics) {
  PENSTOCK_ASSIGN(auto metric, Find(metrics, name));
  if (sdk::DirectionOf(name) != Direction::kNone) return metric;
  return Invalid("metric: neither more nor less of " + name +
                 " is better, so nothing is judged "
                 "by it");
}

void Conclude(Verdict* v) {
  const auto failed =
      std::find_if(v->checks.begin(), v->checks.end(), [](const Check& c) { return !c.passed; });
  v->blessed = failed == v->checks.end();
  v->reason = v->blessed ? "all checks hold" : failed->message;
}

}  // namespace penstock::bless
