#include "components/drift/stored_column.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "components/drift/details.h"
#include "components/drift/methods/kolmogorov_smirnov.h"
#include "components/drift/methods/quantile_bounds.h"
#include "components/sdk/row_hash.h"

namespace penstock::drift {
namespace {

using statistics::Column;
using Sides = std::array<const Column*, 2>;

constexpr double kIdShare = 0.9;    // of different values: an id, as values.cc says of rows
constexpr double kRounding = 1e-9;  // of shares
constexpr const char* kNotBoth = "(values that not both list)";
constexpr const char* kOnlyReference = "(values that not both list, of reference)";
constexpr const char* kOnlyCurrent = "(values that not both list, of current)";

std::string TextOf(const Json& value) {
  if (!value.is_string()) return value.dump();
  const auto text = value.get<std::string>();
  return text == "null" ? "'null'" : text;  // a null is another value
}

std::array<std::int64_t, kSpecialNames.size()> SpecialsOf(const Column& column) {
  return {0, column.nulls, column.nan, column.positive_infinite, column.negative_infinite};
}

// Values with their counts on both sides, as far as both sides tell them.
struct Known {
  Dictionary dictionary;
  CodeCounts counts;
  std::array<std::int64_t, 2> others = {};  // rows of other values
  [[nodiscard]] bool whole() const { return others[0] + others[1] == 0; }
  void Add(const std::string& text, std::int64_t reference, std::int64_t current) {
    const std::size_t code = dictionary.CodeOf(text);
    for (auto& side : counts) side.resize(dictionary.size(), 0);
    counts[0][code] += reference;  // a text "NaN" is where the numbers' NaN is
    counts[1][code] += current;
  }
};

Known KnownValues(const Sides& sides) {
  std::map<std::string, std::array<std::optional<std::int64_t>, 2>> values;
  for (std::size_t side = 0; side < 2; ++side) {
    for (const auto& [value, count] : sides[side]->top) values[TextOf(value)][side] = count;
  }
  Known known;
  known.Add("null", sides[0]->nulls, sides[1]->nulls);
  known.others = {sides[0]->count(), sides[1]->count()};
  for (auto& [text, counts] : values) {
    for (std::size_t side = 0; side < 2; ++side) {
      if (!counts[side] && sides[side]->top_complete) counts[side] = 0;
    }
    if (!counts[0] || !counts[1]) continue;
    known.Add(text, *counts[0], *counts[1]);
    for (std::size_t side = 0; side < 2; ++side) known.others[side] -= *counts[side];
  }
  for (std::size_t s = std::size_t(Special::kNan); s < kSpecialNames.size(); ++s) {
    const std::int64_t a = SpecialsOf(*sides[0])[s];
    const std::int64_t b = SpecialsOf(*sides[1])[s];
    if (a + b > 0) known.Add(kSpecialNames[s], a, b);
  }
  return known;
}

void AppendBin(const std::string& name, std::int64_t reference, std::int64_t current, Bins& bins) {
  bins.names.push_back(name);
  bins.counts[0].push_back(reference);
  bins.counts[1].push_back(current);
}

// `apart`: the other values of the sides are none of them the same; else they are all alike.
Bins KnownBins(const Known& known, bool apart) {
  Bins bins = CategoryBins(known.dictionary, known.counts);
  if (known.whole()) return bins;
  const auto [reference, current] = known.others;
  const std::size_t listed = bins.size();
  if (!apart) {
    AppendBin(kNotBoth, reference, current, bins);
  } else {
    if (reference > 0) AppendBin(kOnlyReference, reference, 0, bins);
    if (current > 0) AppendBin(kOnlyCurrent, 0, current, bins);
  }
  if (!bins.one_sided) return bins;
  CodeCounts counts = known.counts;
  for (std::size_t side = 0; side < 2; ++side) {
    counts[side].insert(counts[side].end(), bins.counts[side].begin() + std::ptrdiff_t(listed),
                        bins.counts[side].end());
  }
  bins.one_sided = TestOneSided(counts[0], counts[1]);
  return bins;
}

// Of both sides' listed values.
WholeNumbers WholesOf(const Sides& sides) {
  std::vector<std::int64_t> all;
  bool big = false;
  for (const Column* side : sides) {
    for (const auto& [value, count] : side->top) {
      if (!value.is_number_integer()) return {};
      all.push_back(value.get<std::int64_t>());
      big = big || all.back() > kExactWhole || all.back() < -kExactWhole;
    }
  }
  return big ? WholeNumbers::Of(std::move(all)) : WholeNumbers();
}

// All values of a number column, where they are listed.
std::optional<Sorted> Listed(const Column& column, const WholeNumbers& wholes) {
  if (!column.top_complete && column.count() > 0) return std::nullopt;
  std::map<double, std::int64_t> counts;
  for (const auto& [value, count] : column.top) {
    if (!value.is_number()) return std::nullopt;  // a time, a decimal: a text that bins cannot use
    counts[wholes.empty() ? value.get<double>() : wholes.ValueOf(value.get<std::int64_t>())] +=
        count;
  }
  Sorted sorted;
  for (const auto& [value, count] : counts) sorted.values.Add(value, count);
  if (!sorted.values.empty()) sorted.moments = MomentsOf(sorted.values);
  sorted.specials = SpecialsOf(column);
  return sorted;
}

KnownQuantiles QuantilesOf(const Column& column) {
  if (!column.numbers) return {.quantiles = {}, .rank_error = 0, .share = 0};
  return {.quantiles = column.numbers->quantiles,
          .rank_error = column.numbers->rank_error,
          .share = double(column.count()) / double(column.rows)};
}

// The bins of what is no finite number, and of all that is.
Bins SpecialBins(const Sides& sides) {
  Bins bins;
  bins.names = {"(numbers)"};
  for (std::size_t side = 0; side < 2; ++side) bins.counts[side] = {sides[side]->count()};
  for (std::size_t s = 1; s < kSpecialNames.size(); ++s) {
    if (SpecialsOf(*sides[0])[s] + SpecialsOf(*sides[1])[s] == 0) continue;
    bins.names.emplace_back(kSpecialNames[s]);
    for (std::size_t i = 0; i < 2; ++i) bins.counts[i].push_back(SpecialsOf(*sides[i])[s]);
  }
  return bins;
}

// Numbers differ by as much as all the others together: what is said is which of those does most.
void NameSpecial(const Bins& specials, ColumnDrift& drift) {
  const auto share = [&](std::size_t side, std::size_t bin) {
    return double(specials.counts[side][bin]) / double(drift.rows[side]);
  };
  double most = -1;
  for (std::size_t bin = 1; bin < specials.names.size(); ++bin) {
    const double difference = std::abs(share(0, bin) - share(1, bin));
    if (difference <= most) continue;
    most = difference;
    drift.at = specials.names[bin];
    drift.shares = {share(0, bin), share(1, bin)};
  }
}

}  // namespace

StoredMeasurer::StoredMeasurer(const Options& options, std::int64_t rows, std::size_t tests)
    : options_(options), most_draws_(MostDraws(options, tests)), logs_(std::size_t(rows)) {}

Null StoredMeasurer::Draw(const ColumnDrift& drift, const Bins& bins) const {
  if (bins.size() < 2) return {.p = 1, .mean = 0, .draws = 0};  // one bin: nothing can differ
  const Draws draws = {options_.draws, most_draws_, options_.seed ^ sdk::HashText(drift.name)};
  return DrawByRows(drift.statistic, bins.shape, bins.counts[0], bins.counts[1], logs_, draws);
}

void StoredMeasurer::MeasureBins(const Bins& bins, ColumnDrift& drift) const {
  if (!CountRows(bins, drift)) return;
  Conclude(bins, Draw(drift, bins), drift);
  drift.bins = BinsJson(bins, false);
}

void StoredMeasurer::MeasureValues(const Column& reference, const Column& current,
                                   StoredDrift& drift) const {
  if (reference.top_error > 0 || current.top_error > 0) {
    drift.why_not = "the counts of its frequent values are estimates in the statistics";
    return;
  }
  const Known known = KnownValues({&reference, &current});
  const bool nothing = known.counts[0].size() <= 1 && !known.whole();  // null, and all the others
  if (nothing) {
    drift.why_not = "no value is listed by the statistics of both sides; raise their top";
    return;
  }
  ColumnDrift& least = drift.least;
  if (known.whole()) {
    least.methods = CategoryMethods(known.dictionary, known.counts);
    MeasureBins(KnownBins(known, false), least);
    drift.most = least;
    return;
  }
  least.note = "values that not both statistics list count as the same ones, in atMost as others";
  drift.most = least;
  MeasureBins(KnownBins(known, false), least);
  MeasureBins(KnownBins(known, true), drift.most);
  if (drift.most.value > least.value) least.at_most = drift.most.value;
}

void StoredMeasurer::MeasureNumbers(const Column& reference, const Column& current,
                                    StoredDrift& drift) const {
  const WholeNumbers wholes = WholesOf({&reference, &current});
  const auto before = Listed(reference, wholes);
  const auto now = Listed(current, wholes);
  const Statistic statistic = drift.least.statistic;
  if (before && now) {
    drift.least.methods = NumberMethods(*before, *now);
    MeasureBins(NumberBins(*before, *now, MostBins(statistic), wholes), drift.least);
    drift.most = drift.least;
    return;
  }
  if (statistic == Statistic::kKs) return MeasureBounds(reference, current, drift);
  drift.why_not = std::string(Name(statistic)) +
                  " needs the rows, or statistics that list all its values (their parameter top); "
                  "ks can be bounded without";
}

void StoredMeasurer::MeasureBounds(const Column& reference, const Column& current,
                                   StoredDrift& drift) const {
  const Bins specials = SpecialBins({&reference, &current});
  const KsBounds bounds = BoundKs(QuantilesOf(reference), QuantilesOf(current));
  const double n = double(reference.rows);
  const double m = double(current.rows);
  // What is no number has an exact part of its own; p of the smaller of two tests is twice it.
  const Observed special =
      Evaluate(Statistic::kLInfinity, specials.shape, specials.counts[0], specials.counts[1]);
  ColumnDrift by_specials = drift.least;
  by_specials.statistic = Statistic::kLInfinity;
  const Null null = Draw(by_specials, specials);
  const auto fill = [&](double order, ColumnDrift& out) {
    out.rows = {reference.rows, current.rows};
    out.nulls = {reference.nulls, current.nulls};
    out.value = std::max(order, special.value);
    out.chance = kKolmogorovMean * std::sqrt((n + m) / (n * m));
    out.effect = std::max(0.0, out.value - out.chance);
    const double p = SmirnovP(order, reference.rows, current.rows);
    out.p = specials.size() < 2 ? p : std::min(1.0, 2 * std::min(p, null.p));
    out.draws = null.draws;
  };
  drift.most = drift.least;
  fill(bounds.least, drift.least);
  fill(bounds.most, drift.most);
  ColumnDrift& least = drift.least;
  if (specials.size() > 1 && special.value >= bounds.least - kRounding) {
    NameSpecial(specials, least);
  } else if (bounds.least > 0) {
    least.at = ShortNumber(bounds.at);
    least.up_to = true;
    least.shares = {bounds.share_a, bounds.share_b};
  }
  if (drift.most.value > least.value) least.at_most = drift.most.value;
  least.note = "of quantiles: ks is bounded, and chance is its limit for many rows";
}

StoredDrift StoredMeasurer::Measure(const Pair& pair, const Column& reference,
                                    const Column& current) const {
  StoredDrift drift;
  drift.least.name = pair.name;
  drift.least.kind = pair.kind;
  drift.least.statistic = options_.StatisticOf(pair.name, pair.kind);
  drift.least.floor = options_.FloorOf(pair.name, pair.kind);
  const auto is_time = [](const Column& column) { return column.kind == statistics::Kind::kTime; };
  switch (pair.kind) {
    case Kind::kNumber:
      if ((is_time(reference) || is_time(current)) && reference.type != current.type) {
        drift.why_not = reference.type + " and " + current.type + " count in other units";
        break;
      }
      MeasureNumbers(reference, current, drift);
      break;
    case Kind::kClock:
      drift.why_not = "hours of the day are not in statistics; settings {as: number} looks at when";
      break;
    case Kind::kText:
      drift.why_not = "words are not in statistics";
      break;
    case Kind::kCategory:
      if (pair.may_be_text && reference.count() >= 100 &&
          double(reference.distinct) > kIdShare * double(reference.count())) {
        drift.why_not = "nearly all its values differ, as those of an id do";
        break;
      }
      MeasureValues(reference, current, drift);
      break;
    case Kind::kSkip:
      break;
  }
  return drift;
}

}  // namespace penstock::drift
