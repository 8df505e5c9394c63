#include "components/bless/several.h"

#include <algorithm>
#include <cmath>

#include "components/bless/checks.h"
#include "components/bless/comparison.h"
#include "components/evaluate/several.h"
#include "operator/base/try.h"

namespace penstock::bless {
namespace {

using evaluate::Scored;
using AllScored = std::vector<Scored>;

constexpr const char* kOfALabel = "auc";  // whose mean is macroAuc

sdk::Metrics MeasureAll(const AllScored& all, double confidence, std::size_t* rows) {
  evaluate::JoinedLabels joined;
  for (const Scored& scored : all) joined.Add(scored);
  *rows = joined.rows();
  return sdk::MeasureLabels(joined.View(), confidence);
}

// Of the labels' comparisons; none where one has none.
Comparison MeanOf(const std::vector<Comparison>& all, const AllScored& labels) {
  Comparison mean;
  mean.low = 0;
  const auto count = double(all.size());
  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::string of = " of label '" + labels[k].manifest.label + "'";
    if (!all[k].why_none.empty()) {
      mean.why_none = all[k].why_none + of;
      return mean;
    }
    mean.ours += all[k].ours / count;
    mean.theirs += all[k].theirs / count;
    mean.difference += all[k].difference / count;
    if (!all[k].low && mean.low) {
      mean.low.reset();
      mean.why_no_bound = all[k].why_no_bound + of;
    }
    if (mean.low) *mean.low += *all[k].low / count;
  }
  return mean;
}

Check BeatsDummy(const AllScored& candidate, double confidence) {
  std::vector<Comparison> all;
  for (const Scored& scored : candidate) all.push_back(AgainstDummy(scored, confidence));
  return JudgeDummy(MeanOf(all, candidate), evaluate::kLabelsMetric);
}

const Scored* Find(const AllScored& all, const std::string& label) {
  for (const Scored& scored : all) {
    if (scored.manifest.label == label) return &scored;
  }
  return nullptr;
}

// Only rows that both count for the label are compared: both leave out those of which it is null.
Comparison CompareAll(const AllScored& ours, const AllScored& theirs, const BlessOptions& options,
                      const std::string& metric) {
  Comparison c;
  if (ours.size() != theirs.size()) {
    c.why_none = "it has " + std::to_string(theirs.size()) + " labels, this one " +
                 std::to_string(ours.size());
    return c;
  }
  std::vector<Comparison> all;
  for (const Scored& own : ours) {
    const Scored* other = Find(theirs, own.manifest.label);
    if (other == nullptr) {
      c.why_none = "it has no label '" + own.manifest.label + "'";
      return c;
    }
    if (own.manifest.classes != other->manifest.classes) {
      c.why_none = "it has other classes of label '" + own.manifest.label + "'";
      return c;
    }
    if (metric != evaluate::kLabelsMetric) continue;
    if (const auto why = WhyIncomparable(own, *other, kOfALabel); !why.empty()) {
      c.why_none = "label '" + own.manifest.label + "': " + why;
      return c;
    }
    all.push_back(Compare(own, *other, kOfALabel, options.confidence));
  }
  if (metric == evaluate::kLabelsMetric) return MeanOf(all, ours);
  std::size_t rows = 0;
  const auto own = MeasureAll(ours, 0, &rows).at(metric);
  const auto other = MeasureAll(theirs, 0, &rows).at(metric);
  for (const auto& m : {own, other}) {
    if (!m.defined()) c.why_none = NotDefined(metric, m);
  }
  c.ours = own.value;
  c.theirs = other.value;
  const bool less = sdk::DirectionOf(metric) == sdk::Direction::kLess;
  c.difference = less ? other.value - own.value : own.value - other.value;
  c.why_no_bound = "there is none for " + metric;
  return c;
}

Result<Check> JudgeOne(const Threshold& t, const AllScored& candidate, const sdk::Metrics& all,
                       double confidence) {
  PENSTOCK_TRY(CheckThreshold(t));
  if (t.label.empty()) return JudgeThreshold(t, all);
  const Scored* scored = Find(candidate, t.label);
  if (scored == nullptr) {
    return Invalid("thresholds: the model has no label '" + t.label + "'");
  }
  sdk::Metrics own = sdk::Measure(scored->manifest, scored->View(), {}, confidence);
  own["rows"].value = double(scored->labels.size());
  PENSTOCK_ASSIGN(auto check, JudgeThreshold(t, own));
  check.name += " of " + t.label;
  check.message = "label '" + t.label + "': " + check.message;
  return check;
}

}  // namespace

Result<Verdict> JudgeSeveral(const AllScored& candidate,
                             const std::optional<Result<AllScored>>& baseline,
                             const BlessOptions& options, const Check& serving) {
  Verdict v;
  std::size_t rows = 0;
  v.metric = options.metric.empty() ? evaluate::kLabelsMetric : options.metric;
  v.metrics = MeasureAll(candidate, options.confidence, &rows);
  PENSTOCK_ASSIGN(const auto main, MetricToCompareBy(v.metric, v.metrics));
  v.lines = evaluate::LinesOfLabels(v.metric, v.metrics);
  v.lines.person = options.person;
  v.lines.required = RequiredOf(v.metric, options);
  v.checks.push_back(serving);
  if (!main.defined()) v.checks.push_back({"metric", false, NotDefined(v.metric, main)});
  sdk::Metrics bounded = v.metrics;
  bounded["rows"].value = double(rows);
  for (const auto& threshold : options.thresholds) {
    PENSTOCK_ASSIGN(auto check, JudgeOne(threshold, candidate, bounded, options.confidence));
    v.checks.push_back(std::move(check));
  }
  std::optional<Comparison> compared;
  std::string incomparable;
  if (baseline && *baseline) compared = CompareAll(candidate, **baseline, options, v.metric);
  if (baseline) incomparable = compared ? compared->why_none : baseline->error().message;
  if (!incomparable.empty()) {
    v.checks.push_back(BeatsDummy(candidate, std::max(options.confidence, kBeyondDoubt)));
  } else if (options.beat_dummy) {
    v.checks.push_back(BeatsDummy(candidate, options.confidence));
  }
  if (baseline) {
    const bool too_few = v.metric == evaluate::kLabelsMetric;
    v.checks.push_back(incomparable.empty() ? JudgeComparison(*compared, v.metric, too_few, options)
                                            : NotCompared(incomparable, options));
  }
  Conclude(&v);
  return v;
}

}  // namespace penstock::bless
