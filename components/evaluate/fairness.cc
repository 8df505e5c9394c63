#include "components/evaluate/fairness.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "components/evaluate/bootstrap.h"
#include "components/sdk/metrics.h"

namespace penstock::evaluate {
namespace {

constexpr std::size_t kMostClasses = 20;
constexpr double kRowsDrawn = 1e7;  // rows x resamples of a gap

// Of rows of one group: what was decided, and what is true.
struct FairRow {
  bool decided;
  bool actual;
  double weight;
};
using GroupRows = std::vector<FairRow>;

struct RateOf {
  const char* name;
  std::function<bool(const FairRow&)> counts;  // rows that the rate is of
};
const RateOf kSelection{"selection", [](const FairRow&) { return true; }};
const RateOf kTruePositive{"truePositive", [](const FairRow& r) { return r.actual; }};
const RateOf kFalsePositive{"falsePositive", [](const FairRow& r) { return !r.actual; }};

// `times`: how often each row counts; empty: once. Nothing where no weight is left.
std::optional<double> ShareDecided(const GroupRows& rows, const RateOf& rate,
                                   const std::vector<double>& times = {}) {
  double all = 0;
  double decided = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rate.counts(rows[i])) continue;
    const double w = rows[i].weight * (times.empty() ? 1 : times[i]);
    all += w;
    decided += rows[i].decided ? w : 0;
  }
  if (!(all > 0)) return std::nullopt;
  return decided / all;
}

struct Measured {
  std::size_t group = 0;
  double rate = 0;
};

// Groups whose rate rests on rows enough, by their number.
std::vector<Measured> RatesOf(const std::vector<GroupRows>& rows,
                              const std::vector<FairGroup>& groups, const RateOf& rate,
                              const FairnessOptions& options) {
  std::vector<Measured> measured;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].small || groups[g].value.is_null()) continue;
    const auto base = std::count_if(rows[g].begin(), rows[g].end(), rate.counts);
    const auto share = ShareDecided(rows[g], rate);
    if (std::size_t(base) >= options.min_base && share) measured.push_back({g, *share});
  }
  return measured;
}

double QuantileOfSorted(const std::vector<double>& sorted, double share) {
  const double at = share * double(sorted.size() - 1);
  const auto below = std::size_t(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

using Compare = std::function<std::optional<double>(double most, double least)>;

std::optional<double> Difference(double most, double least) { return most - least; }
std::optional<double> Ratio(double most, double least) {
  if (!(most > 0)) return std::nullopt;
  return least / most;
}

void AddInterval(const GroupRows& most, const GroupRows& least, const RateOf& rate,
                 const Compare& compare, double confidence, FairGap* gap) {
  const auto resamples =
      int(std::clamp(kRowsDrawn / double(most.size() + least.size()), 100.0, 1000.0));
  std::vector<double> drawn;
  for (int b = 0; b < resamples; ++b) {
    const auto a = ShareDecided(most, rate, Resample(most.size(), 2 * b));
    const auto z = ShareDecided(least, rate, Resample(least.size(), 2 * b + 1));
    if (!a || !z) continue;
    if (const auto value = compare(*a, *z)) drawn.push_back(*value);
  }
  gap->low = gap->high = *gap->value;
  if (drawn.empty()) return;
  std::sort(drawn.begin(), drawn.end());
  gap->low = QuantileOfSorted(drawn, (1 - confidence) / 2);
  gap->high = QuantileOfSorted(drawn, (1 + confidence) / 2);
}

FairGap GapOf(const std::string& criterion, const std::vector<GroupRows>& rows,
              const std::vector<FairGroup>& groups, const RateOf& rate, const Compare& compare,
              const FairnessOptions& options) {
  FairGap gap;
  gap.criterion = criterion;
  gap.rate = rate.name;
  const auto measured = RatesOf(rows, groups, rate, options);
  if (measured.size() < 2) {
    gap.why = "fewer than two groups have rows enough";
    return gap;
  }
  const auto [least, most] =
      std::minmax_element(measured.begin(), measured.end(),
                          [](const auto& a, const auto& b) { return a.rate < b.rate; });
  gap.most = groups[most->group].value;
  gap.least = groups[least->group].value;
  gap.value = compare(most->rate, least->rate);
  if (!gap.value) {
    gap.why = "no row of any group is decided positive";
    return gap;
  }
  AddInterval(rows[most->group], rows[least->group], rate, compare, options.confidence, &gap);
  return gap;
}

std::vector<FairGap> GapsOf(const std::vector<GroupRows>& rows,
                            const std::vector<FairGroup>& groups, const FairnessOptions& options) {
  const auto gap = [&](const char* name, const RateOf& rate, const Compare& compare) {
    return GapOf(name, rows, groups, rate, compare, options);
  };
  std::vector<FairGap> gaps{gap("demographicParity", kSelection, Difference),
                            gap("equalOpportunity", kTruePositive, Difference)};
  FairGap odds = gaps[1];
  FairGap false_positive = gap("equalisedOdds", kFalsePositive, Difference);
  if (false_positive.value && (!odds.value || *false_positive.value > *odds.value)) {
    odds = std::move(false_positive);
  }
  odds.criterion = "equalisedOdds";
  gaps.push_back(std::move(odds));
  gaps.push_back(gap("fourFifths", kSelection, Ratio));
  return gaps;
}

Fairness OfClass(const Scored& scored, const sdk::SliceColumn& by,
                 const std::vector<std::uint32_t>& decisions, std::size_t positive,
                 const FairnessOptions& options) {
  std::vector<GroupRows> rows(by.values.size());
  for (std::size_t i = 0; i < scored.labels.size(); ++i) {
    rows[by.codes[i]].push_back({decisions[i] == positive,
                                 std::size_t(scored.labels[i]) == positive,
                                 scored.weights.empty() ? 1 : scored.weights[i]});
  }
  Fairness fairness;
  fairness.column = by.name;
  const Json& name = scored.manifest.classes[positive];
  fairness.positive = name.is_string() ? name.get<std::string>() : name.dump();
  for (std::size_t g = 0; g < rows.size(); ++g) {
    FairGroup group;
    group.value = by.values[g];
    group.rows = std::int64_t(rows[g].size());
    group.small = rows[g].size() < options.min_rows;
    group.selection = ShareDecided(rows[g], kSelection);
    group.true_positive = ShareDecided(rows[g], kTruePositive);
    group.false_positive = ShareDecided(rows[g], kFalsePositive);
    fairness.groups.push_back(std::move(group));
  }
  fairness.gaps = GapsOf(rows, fairness.groups, options);
  return fairness;
}

}  // namespace

std::vector<Fairness> FairnessOf(const Scored& scored, const sdk::SliceColumn& by,
                                 const FairnessOptions& options) {
  std::vector<Fairness> all;
  const auto& m = scored.manifest;
  if (m.task != sdk::ModelTask::kClassification || m.classes.size() > kMostClasses) return all;
  const auto decisions = sdk::Decisions(m, scored.raw);
  for (std::size_t k = m.IsBinary() ? 1 : 0; k < m.classes.size(); ++k) {
    all.push_back(OfClass(scored, by, decisions, k, options));
  }
  return all;
}

Json ToJson(const Fairness& fairness) {
  const auto number = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
  Json json = {{"column", fairness.column},
               {"positive", fairness.positive},
               {"groups", Json::array()},
               {"gaps", Json::object()}};
  for (const auto& g : fairness.groups) {
    json["groups"].push_back({{"value", g.value},
                              {"rows", g.rows},
                              {"small", g.small},
                              {"selection", number(g.selection)},
                              {"truePositive", number(g.true_positive)},
                              {"falsePositive", number(g.false_positive)}});
  }
  for (const auto& g : fairness.gaps) {
    Json& gap = json["gaps"][g.criterion] = {{"value", number(g.value)}, {"rate", g.rate}};
    if (!g.value) {
      gap["why"] = g.why;
      continue;
    }
    gap["low"] = g.low;
    gap["high"] = g.high;
    gap["most"] = g.most;
    gap["least"] = g.least;
  }
  return json;
}

Json FairnessValues(const std::vector<Fairness>& all) {
  Json values = Json::object();
  for (const auto& fairness : all) {
    Json& of = values[fairness.column];
    if (of.is_null()) of = Json::object();
    for (const auto& gap : fairness.gaps) {
      if (!gap.value) continue;
      const bool ratio = gap.criterion == "fourFifths";  // the lower, the worse
      const bool worse =
          !of.contains(gap.criterion) || (ratio ? *gap.value < of[gap.criterion].get<double>()
                                                : *gap.value > of[gap.criterion].get<double>());
      if (worse) of[gap.criterion] = *gap.value;
    }
  }
  return values;
}

}  // namespace penstock::evaluate
