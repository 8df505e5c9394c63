#include "components/drift/measure.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "components/drift/details.h"
#include "components/sdk/row_hash.h"

namespace penstock::drift {
namespace {

constexpr std::int64_t kMostDraws = 200'000;
constexpr std::size_t kTextBlocks = 400;  // of rows without blocks of their own
constexpr int kOrderedBins = 64;
constexpr int kOtherBins = 10;

// The place among the chosen rows of a text's row: texts are read evenly spread.
std::size_t TextStep(std::int64_t chosen) { return std::size_t(chosen) / kTextRows + 1; }

// The rows of a selection that a column has values of.
template <typename Visit>
void ForEachRow(const ColumnValues& column, std::size_t side, const Rows* rows, std::size_t step,
                Visit visit) {
  const bool text = column.pair.kind == Kind::kText;
  const std::size_t count = column.sides[side].rows(column.pair.kind);
  if (rows == nullptr) {
    for (std::size_t row = 0; row < count; ++row) visit(row, text ? row * step : row);
    return;
  }
  for (const std::uint32_t chosen : *rows) {
    if (!text) {
      visit(std::size_t(chosen), std::size_t(chosen));
    } else if (chosen % step == 0) {
      visit(std::size_t(chosen / step), std::size_t(chosen));
    }
  }
}

// Of a text's rows: how many have each word, and how many there are.
CodeCounts CountWords(const ColumnValues& column, const Selection& selection, const Sample& sample,
                      std::array<std::int64_t, 2>& rows) {
  CodeCounts counts;
  for (std::size_t side = 0; side < 2; ++side) {
    counts[side].assign(column.dictionary.size(), 0);
    const Values& values = column.sides[side];
    ForEachRow(column, side, selection.rows[side], TextStep(sample.side(side).chosen),
               [&](std::size_t row, std::size_t) {
                 ++rows[side];
                 const std::size_t begin = row == 0 ? 0 : values.ends[row - 1];
                 for (std::size_t w = begin; w < values.ends[row]; ++w) {
                   ++counts[side][values.codes[w]];
                 }
               });
  }
  return counts;
}

void SayWhere(const Bins& bins, const Observed& observed, ColumnDrift& drift) {
  if (bins.names.empty()) return;
  drift.at = bins.names[observed.at];
  const bool cumulated =
      drift.statistic == Statistic::kKs || drift.statistic == Statistic::kWasserstein;
  drift.up_to = cumulated && observed.at < bins.shape.ordered;
  const bool words = drift.statistic == Statistic::kPresence;
  for (std::size_t side = 0; side < 2; ++side) {
    const auto& counts = bins.counts[side];
    double part = 0;
    double all = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      all += double(counts[i]);
      if (i == observed.at || (drift.up_to && i < observed.at)) part += double(counts[i]);
    }
    if (words) all = double(counts.back());
    drift.shares[side] = all > 0 ? part / all : 0;
  }
}

void AddOneSided(const OneSided& test, ColumnDrift& drift) {
  drift.p = std::min(1.0, 2 * std::min(drift.p, test.p));
  if (test.effect <= drift.effect) return;
  if (!drift.note.empty()) drift.note += "; ";
  drift.note += "value and chance are the share of rows whose value one side only has; " +
                std::string(Name(drift.statistic)) + " of the most frequent values is " +
                ShortNumber(drift.value) + ", by chance " + ShortNumber(drift.chance);
  drift.value = test.value;
  drift.chance = test.chance;
  drift.effect = test.effect;
  drift.at = kOneSideOnly;
  drift.shares = test.shares;
}

std::int64_t NullsOf(const Bins& bins, std::size_t side) {
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (bins.names[i] == "null" || bins.names[i] == "(null)") return bins.counts[side][i];
  }
  return 0;
}

}  // namespace

int MostBins(Statistic statistic) {
  const bool ordered = statistic == Statistic::kKs || statistic == Statistic::kWasserstein;
  return ordered ? kOrderedBins : kOtherBins;
}

Json BinsJson(const Bins& bins, bool words) {
  Json list = Json::array();
  std::array<double, 2> all = {};
  for (std::size_t side = 0; side < 2; ++side) {
    for (const std::int64_t n : bins.counts[side]) all[side] += double(n);
    if (words) all[side] = double(bins.counts[side].back());
  }
  for (std::size_t i = 0; i + (words ? 1 : 0) < bins.size(); ++i) {
    list.push_back({{"bin", bins.names[i]},
                    {"reference", double(bins.counts[0][i]) / all[0]},
                    {"current", double(bins.counts[1][i]) / all[1]}});
  }
  return list;
}

bool CountRows(const Bins& bins, ColumnDrift& drift) {
  for (std::size_t side = 0; side < 2; ++side) {
    for (const std::int64_t n : bins.counts[side]) drift.rows[side] += n;
    if (drift.kind == Kind::kText) drift.rows[side] = bins.counts[side].back();
    drift.nulls[side] = NullsOf(bins, side);
  }
  return drift.rows[0] > 0 && drift.rows[1] > 0;
}

void Conclude(const Bins& bins, const Null& null, ColumnDrift& drift) {
  const Observed observed = Evaluate(drift.statistic, bins.shape, bins.counts[0], bins.counts[1]);
  drift.value = observed.value;
  drift.chance = null.mean;
  drift.effect = std::max(0.0, drift.value - drift.chance);
  drift.p = null.p;
  drift.draws = null.draws;
  SayWhere(bins, observed, drift);
  if (bins.one_sided) AddOneSided(*bins.one_sided, drift);
}

// The least p must get below alpha / tests, which is what Benjamini and Hochberg ask of one column
// that drifts alone.
std::int64_t MostDraws(const Options& options, std::size_t tests) {
  return std::clamp(std::int64_t(std::ceil(2 * double(tests) / options.alpha)), options.draws,
                    std::max(options.draws, kMostDraws));
}

Measurer::Measurer(const Sample& sample, const Options& options, std::size_t tests)
    : sample_(sample),
      options_(options),
      most_draws_(MostDraws(options, tests)),
      logs_(std::size_t(sample.side(0).chosen + sample.side(1).chosen)) {}

Bins Measurer::BinsOf(const ColumnValues& column, const Selection& selection, Statistic statistic,
                      bool details, Json& methods) const {
  switch (column.pair.kind) {
    case Kind::kNumber: {
      const Sorted reference = SortNumbers(column.sides[0], selection.rows[0]);
      const Sorted current = SortNumbers(column.sides[1], selection.rows[1]);
      if (details) methods = NumberMethods(reference, current);
      return NumberBins(reference, current, MostBins(statistic), column.wholes);
    }
    case Kind::kText: {
      std::array<std::int64_t, 2> rows = {};
      const CodeCounts counts = CountWords(column, selection, sample_, rows);
      return WordBins(column.dictionary, counts, rows);
    }
    case Kind::kClock: {
      const CodeCounts counts = CountCodes(column, selection.rows);
      Bins bins = ClockBins(counts);
      if (details) methods = ClockMethods(column, bins);
      return bins;
    }
    case Kind::kCategory:
    case Kind::kSkip:
      break;
  }
  const CodeCounts counts = CountCodes(column, selection.rows);
  if (details) methods = CategoryMethods(column.dictionary, counts);
  Bins bins = CategoryBins(column.dictionary, counts);
  if (!options_.blocks.empty()) bins.one_sided.reset();  // what chance gives of it is of rows
  return bins;
}

BlockCounts Measurer::CountBlocks(const ColumnValues& column, const Selection& selection,
                                  const Bins& bins) const {
  BlockCounts blocks;
  blocks.bins = bins.size();
  const Kind kind = column.pair.kind;
  const bool text = kind == Kind::kText;
  const auto rows_of = [&](std::size_t side) {
    return text ? std::size_t(bins.counts[side].back()) : std::size_t(0);
  };
  const std::size_t rows_of_block = (rows_of(0) + rows_of(1)) / kTextBlocks + 1;
  for (std::size_t side = 0; side < 2; ++side) {
    const Values& values = column.sides[side];
    const auto& own = sample_.side(side).blocks;
    const std::size_t made = std::max<std::size_t>(1, rows_of(side) / rows_of_block);
    std::unordered_map<std::uint32_t, std::size_t> places;  // a slice may lack some blocks
    const std::size_t first = blocks.counts.size();
    std::size_t nth = 0;
    ForEachRow(column, side, selection.rows[side], TextStep(sample_.side(side).chosen),
               [&](std::size_t row, std::size_t chosen) {
                 const auto block = own.empty() ? std::uint32_t(nth++ % made) : own[chosen];
                 const auto [at, is_new] = places.try_emplace(block, places.size());
                 if (is_new) blocks.counts.resize(blocks.counts.size() + blocks.bins, 0);
                 std::int32_t* counts = &blocks.counts[first + at->second * blocks.bins];
                 if (!text) {
                   ++counts[bins.Of(kind, values, row)];
                   return;
                 }
                 ++counts[blocks.bins - 1];
                 for (std::size_t w = row == 0 ? 0 : values.ends[row - 1]; w < values.ends[row];
                      ++w) {
                   const std::uint16_t bin = bins.of_code[values.codes[w]];
                   if (bin != kNoBin) ++counts[bin];
                 }
               });
    if (side == 0) blocks.of_reference = blocks.blocks();
  }
  return blocks;
}

Null Measurer::NullOf(const ColumnValues& column, const Selection& selection, const Bins& bins,
                      Statistic statistic, const std::string& salt) const {
  const Draws draws = {options_.draws, most_draws_,
                       options_.seed ^ sdk::HashText(column.pair.name + '\0' + salt)};
  if (bins.size() < 2) return {.p = 1, .mean = 0, .draws = 0};  // one bin: nothing can differ
  if (column.pair.kind == Kind::kText || !options_.blocks.empty()) {
    return DrawByBlocks(statistic, bins.shape, CountBlocks(column, selection, bins), draws);
  }
  return DrawByRows(statistic, bins.shape, bins.counts[0], bins.counts[1], logs_, draws);
}

ColumnDrift Measurer::Measure(const ColumnValues& column, const Selection& selection,
                              const std::string& salt, Bins* bins_out) const {
  const bool details = bins_out != nullptr;
  ColumnDrift drift;
  drift.name = column.pair.name;
  drift.kind = column.pair.kind;
  drift.statistic = options_.StatisticOf(drift.name, drift.kind);
  drift.floor = options_.FloorOf(drift.name, drift.kind);
  Bins bins = BinsOf(column, selection, drift.statistic, details, drift.methods);
  if (!CountRows(bins, drift)) return drift;
  Conclude(bins, NullOf(column, selection, bins, drift.statistic, salt), drift);
  if (details) {
    drift.bins = BinsJson(bins, drift.kind == Kind::kText);
    *bins_out = std::move(bins);
  }
  return drift;
}

}  // namespace penstock::drift
