#include "components/drift/bins.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "components/drift/methods/population_stability.h"

namespace penstock::drift {
namespace {

constexpr std::size_t kCategories = 100;
constexpr std::size_t kWords = 256;
constexpr std::array<const char*, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                              "Friday", "Saturday", "Sunday"};

// The inner edges of at most `most` bins of `pooled`, ascending and not empty.
std::vector<double> EqualShares(const Runs& pooled, std::size_t most) {
  if (pooled.size() <= most) {  // each value is a bin: an edge before each but the first
    return {pooled.values().begin() + 1, pooled.values().end()};
  }
  std::vector<double> edges;
  for (std::size_t b = 1; b < most; ++b) {
    const double edge = pooled.At(std::int64_t(b) * pooled.total() / std::int64_t(most));
    if (edge > pooled.front() && (edges.empty() || edge > edges.back())) edges.push_back(edge);
  }
  return edges;
}

// The name, and the mean, of each bin's values.
void Describe(const Runs& pooled, Bins& bins) {
  const auto counts = CountBetween(pooled, bins.edges);
  std::size_t at = 0;
  for (const std::int64_t count : counts) {
    const double low = pooled.values()[at];
    double high = low;
    double mean = 0;
    for (std::int64_t seen = 0; seen < count; ++at) {
      high = pooled.values()[at];
      mean += high * (double(pooled.Count(at)) / double(count));
      seen += pooled.Count(at);
    }
    const auto text = [&](double value) {
      return bins.wholes.empty() ? ShortNumber(value) : bins.wholes.TextOf(value);
    };
    bins.names.push_back(low == high ? text(low) : text(low) + " to " + text(high));
    bins.shape.positions.push_back(mean);
  }
  bins.shape.ordered = counts.size();
}

// Codes by how many rows of both sides have them, the most first.
std::vector<std::uint32_t> ByFrequency(const Dictionary& dictionary, const CodeCounts& counts,
                                       std::size_t most) {
  std::vector<std::uint32_t> codes(dictionary.size());
  std::iota(codes.begin(), codes.end(), 0U);
  const auto both = [&](std::uint32_t code) { return counts[0][code] + counts[1][code]; };
  const auto middle = codes.begin() + std::ptrdiff_t(std::min(most, codes.size()));
  std::partial_sort(codes.begin(), middle, codes.end(), [&](auto a, auto b) {
    return both(a) != both(b) ? both(a) > both(b) : dictionary.TextOf(a) < dictionary.TextOf(b);
  });
  codes.erase(middle, codes.end());
  while (!codes.empty() && both(codes.back()) == 0) codes.pop_back();
  return codes;
}

void AddBin(Bins& bins, const std::string& name) {
  bins.names.push_back(name);
  for (auto& counts : bins.counts) counts.push_back(0);
}

}  // namespace

std::string ShortNumber(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

Sorted SortNumbers(const Values& values, const Rows* rows) {
  Sorted sorted;
  const std::size_t count = rows == nullptr ? values.numbers.size() : rows->size();
  std::vector<double> finite;
  finite.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = rows == nullptr ? i : (*rows)[i];
    const Special special = values.specials[row];
    ++sorted.specials[std::size_t(special)];
    if (special == Special::kNone) finite.push_back(values.numbers[row]);
  }
  sorted.values = Runs::Of(std::move(finite));
  if (!sorted.values.empty()) sorted.moments = MomentsOf(sorted.values);
  return sorted;
}

Bins NumberBins(const Sorted& reference, const Sorted& current, int most,
                const WholeNumbers& wholes) {
  Bins bins;
  bins.wholes = wholes;
  const Runs pooled = Merged(reference.values, current.values);
  if (!pooled.empty()) {
    bins.edges = EqualShares(pooled, std::size_t(most));
    Describe(pooled, bins);
    bins.counts = {CountBetween(reference.values, bins.edges),
                   CountBetween(current.values, bins.edges)};
  }
  bins.shape.scale = std::max(reference.moments.std, 0.001);
  for (std::size_t s = 1; s < kSpecialNames.size(); ++s) {
    if (reference.specials[s] + current.specials[s] == 0) continue;
    bins.specials[s] = std::uint16_t(bins.size());
    AddBin(bins, kSpecialNames[s]);
    bins.counts[kReference].back() = reference.specials[s];
    bins.counts[kCurrent].back() = current.specials[s];
  }
  return bins;
}

std::uint16_t Bins::Of(Kind kind, const Values& values, std::size_t row) const {
  if (kind != Kind::kNumber) return of_code[values.codes[row]];
  const Special special = values.specials[row];
  if (special != Special::kNone) return specials[std::size_t(special)];
  const double number = wholes.empty() || values.wholes.empty()
                            ? values.numbers[row]
                            : wholes.ValueOf(values.wholes[row]);
  return std::uint16_t(std::upper_bound(edges.begin(), edges.end(), number) - edges.begin());
}

CodeCounts CountCodes(const ColumnValues& column, const std::array<const Rows*, 2>& rows) {
  CodeCounts counts;
  const bool clock = column.pair.kind == Kind::kClock;
  for (std::size_t side = 0; side < counts.size(); ++side) {
    counts[side].assign(clock ? kClockCodes : column.dictionary.size(), 0);
    const auto& codes = column.sides[side].codes;
    if (rows[side] == nullptr) {
      for (const std::uint32_t code : codes) ++counts[side][code];
    } else {
      for (const std::uint32_t row : *rows[side]) ++counts[side][codes[row]];
    }
  }
  return counts;
}

Bins CategoryBins(const Dictionary& dictionary, const CodeCounts& counts) {
  Bins bins;
  const auto codes = ByFrequency(dictionary, counts, kCategories);
  bins.of_code.assign(dictionary.size(), std::uint16_t(codes.size()));
  for (const std::uint32_t code : codes) {
    bins.of_code[code] = std::uint16_t(bins.size());
    AddBin(bins, dictionary.TextOf(code));
  }
  AddBin(bins, kOtherValues);
  for (std::size_t side = 0; side < 2; ++side) {
    for (std::size_t code = 0; code < dictionary.size(); ++code) {
      bins.counts[side][bins.of_code[code]] += counts[side][code];
    }
  }
  if (bins.counts[0].back() + bins.counts[1].back() == 0) {
    bins.names.pop_back();
    for (auto& side : bins.counts) side.pop_back();
  } else {
    bins.one_sided = TestOneSided(counts[0], counts[1]);
  }
  return bins;
}

Bins ClockBins(const CodeCounts& counts) {
  Bins bins;
  bool dates = true;  // all at midnight
  for (std::size_t code = 1; code < kClockCodes; ++code) {
    dates = dates && ((code - 1) % 24 == 0 || counts[0][code] + counts[1][code] == 0);
  }
  for (std::size_t i = 0; i < (dates ? kDays.size() : 24); ++i) {
    AddBin(bins, dates ? kDays[i] : (i < 10 ? "0" : "") + std::to_string(i) + ":00");
  }
  AddBin(bins, "null");
  bins.of_code.assign(kClockCodes, std::uint16_t(bins.size() - 1));
  for (std::size_t code = 1; code < kClockCodes; ++code) {
    bins.of_code[code] = std::uint16_t(dates ? (code - 1) / 24 : (code - 1) % 24);
  }
  for (std::size_t side = 0; side < 2; ++side) {
    for (std::size_t code = 0; code < kClockCodes; ++code) {
      bins.counts[side][bins.of_code[code]] += counts[side][code];
    }
  }
  return bins;
}

Bins WordBins(const Dictionary& dictionary, const CodeCounts& counts,
              std::array<std::int64_t, 2> rows) {
  Bins bins;
  bins.of_code.assign(dictionary.size(), kNoBin);
  for (const std::uint32_t code : ByFrequency(dictionary, counts, kWords)) {
    bins.of_code[code] = std::uint16_t(bins.size());
    AddBin(bins, dictionary.TextOf(code));
    for (std::size_t side = 0; side < 2; ++side) bins.counts[side].back() = counts[side][code];
  }
  AddBin(bins, "(rows)");
  for (std::size_t side = 0; side < 2; ++side) bins.counts[side].back() = rows[side];
  return bins;
}

}  // namespace penstock::drift
