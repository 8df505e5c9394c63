#include "components/audit/leakage/strength.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "components/sdk/delong.h"
#include "components/sdk/metrics.h"
#include "components/sdk/row_hash.h"

namespace penstock::audit {
namespace {

constexpr std::size_t kRanges = 64;
constexpr std::size_t kLeastOfAClass = 10;
constexpr std::size_t kMostClassesTold = 20;  // the most frequent

bool InFirstHalf(std::size_t r) { return (sdk::MixBits(r) & 1) == 0; }

// Which of kRanges, or of the texts, a row is in. Null is the last.
struct Cells {
  std::vector<std::uint32_t> codes;
  std::size_t count = 0;
};

Cells TextCells(const TableColumn& column) {
  Cells cells{column.codes, std::size_t(column.distinct) + 1};
  for (auto& code : cells.codes) code = std::min(code, column.distinct);
  return cells;
}

Cells CellsOf(const TableColumn& column) {
  if (column.text()) return TextCells(column);
  std::vector<double> sorted;
  for (const double x : column.numbers) {
    if (x == x) sorted.push_back(x);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> edges;  // a range begins at each
  if (column.distinct <= kRanges) {
    edges = sorted;
  } else {
    for (std::size_t i = 0; i < kRanges; ++i) edges.push_back(sorted[i * sorted.size() / kRanges]);
  }
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  Cells cells;
  cells.count = edges.size() + 1;
  for (const double x : column.numbers) {
    const auto at =
        x != x ? edges.size()
               : std::size_t(std::upper_bound(edges.begin(), edges.end(), x) - edges.begin() - 1);
    cells.codes.push_back(std::uint32_t(at));
  }
  return cells;
}

// The mean of `y` in a row's cell, learnt on the other half of the rows. Each mean has one row of
// the mean of that half added, so that a cell of few rows says little.
std::vector<double> MeansOfTheOtherHalf(const Cells& cells, const std::vector<double>& y) {
  std::vector<double> sums[2];
  std::vector<double> counts[2];
  double all[2] = {0, 0};
  double rows[2] = {0, 0};
  for (int half = 0; half < 2; ++half) {
    sums[half].resize(cells.count);
    counts[half].resize(cells.count);
  }
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (y[r] != y[r]) continue;
    const int half = InFirstHalf(r) ? 0 : 1;
    sums[half][cells.codes[r]] += y[r];
    counts[half][cells.codes[r]] += 1;
    all[half] += y[r];
    rows[half] += 1;
  }
  std::vector<double> told(y.size(), kNull);
  for (std::size_t r = 0; r < y.size(); ++r) {
    const int other = InFirstHalf(r) ? 1 : 0;
    if (y[r] != y[r] || rows[other] == 0) continue;
    const std::uint32_t cell = cells.codes[r];
    told[r] = (sums[other][cell] + all[other] / rows[other]) / (counts[other][cell] + 1);
  }
  return told;
}

// Least squares on the other half; a null is told the mean.
std::vector<double> LineOfTheOtherHalf(const std::vector<double>& x, const std::vector<double>& y) {
  struct Line {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  };
  Line lines[2];
  const auto is_known = [&](std::size_t r) { return x[r] == x[r] && y[r] == y[r]; };
  for (std::size_t r = 0; r < y.size(); ++r) {
    Line& line = lines[InFirstHalf(r) ? 0 : 1];
    if (!is_known(r)) continue;
    line.n += 1;
    line.x += x[r];
    line.y += y[r];
  }
  for (auto& line : lines) {
    if (line.n > 0) line.x /= line.n, line.y /= line.n;
  }
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (!is_known(r)) continue;
    Line& line = lines[InFirstHalf(r) ? 0 : 1];
    line.xx += (x[r] - line.x) * (x[r] - line.x);
    line.xy += (x[r] - line.x) * (y[r] - line.y);
  }
  std::vector<double> told(y.size(), kNull);
  for (std::size_t r = 0; r < y.size(); ++r) {
    const Line& line = lines[InFirstHalf(r) ? 1 : 0];
    if (y[r] != y[r] || line.n < 2) continue;
    const double slope = line.xx > 0 ? line.xy / line.xx : 0;
    told[r] = x[r] == x[r] ? line.y + slope * (x[r] - line.x) : line.y;
  }
  return told;
}

// A share of 1 of so many rows: Wilson's lower bound.
double LowOfAll(double rows, double z) { return rows / (rows + z * z); }

// Ranks stand for the scores: they are exact in float32 up to 2^24 rows.
std::optional<Strength> AucOf(const std::vector<double>& scores, const std::vector<double>& y,
                              double positive, double z) {
  std::vector<std::size_t> order;
  std::size_t of_class[2] = {0, 0};
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (y[r] != y[r] || scores[r] != scores[r]) continue;
    order.push_back(r);
    ++of_class[y[r] == positive ? 1 : 0];
  }
  if (std::min(of_class[0], of_class[1]) < kLeastOfAClass) return std::nullopt;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] < scores[b]; });
  std::vector<float> ranks;
  std::vector<std::uint8_t> is_positive;
  float rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && scores[order[i]] != scores[order[i - 1]]) rank += 1;
    ranks.push_back(rank);
    is_positive.push_back(y[order[i]] == positive ? 1 : 0);
  }
  Strength strength;
  strength.measure = "auc";
  strength.rows = std::int64_t(order.size());
  strength.value = sdk::Auc(ranks, is_positive);
  const double error = sdk::AucStandardError(ranks, is_positive);
  const double smaller = double(std::min(of_class[0], of_class[1]));
  strength.low = error > 0 ? strength.value - z * error : strength.value * LowOfAll(smaller, z);
  strength.high = std::min(1.0, strength.value + z * error);
  return strength;
}

std::optional<Strength> R2Of(const std::vector<double>& told, const std::vector<double>& y,
                             double z) {
  double n = 0;
  double mean = 0;
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (told[r] == told[r]) n += 1, mean += y[r];
  }
  if (n < 2 * kLeastOfAClass) return std::nullopt;
  mean /= n;
  double total = 0;
  double wrong = 0;
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (told[r] != told[r]) continue;
    total += (y[r] - mean) * (y[r] - mean);
    wrong += (y[r] - told[r]) * (y[r] - told[r]);
  }
  if (total == 0) return std::nullopt;
  double spread = 0;  // of the linearised terms
  for (std::size_t r = 0; r < y.size(); ++r) {
    if (told[r] != told[r]) continue;
    const double e = (y[r] - told[r]) * (y[r] - told[r]);
    const double d = (y[r] - mean) * (y[r] - mean);
    const double term = (e - wrong / total * d) / (total / n);
    spread += term * term;
  }
  Strength strength;
  strength.measure = "r2";
  strength.rows = std::int64_t(n);
  strength.value = 1 - wrong / total;
  const double error = std::sqrt(spread) / n;
  strength.low = strength.value - z * error;
  strength.high = std::min(1.0, strength.value + z * error);
  return strength;
}

void KeepBetter(std::optional<Strength> found, const char* by, std::optional<Strength>* best) {
  if (!found || (*best && (*best)->value >= found->value)) return;
  found->by = by;
  *best = found;
}

std::vector<double> Negated(std::vector<double> values) {
  for (double& x : values) x = -x;
  return values;
}

std::vector<double> IsClass(const Target& target, double which) {
  std::vector<double> is(target.values.size());
  for (std::size_t r = 0; r < is.size(); ++r) {
    is[r] = target.IsKnown(r) ? (target.values[r] == which ? 1.0 : 0.0) : kNull;
  }
  return is;
}

// Each class against the rest, by the cells; the mean of those with rows enough.
std::optional<Strength> MeanAuc(const Cells& cells, const Target& target, double z) {
  std::vector<std::int64_t> rows(target.width());
  for (const double y : target.values) {
    if (y == y) ++rows[std::size_t(y)];
  }
  std::vector<std::size_t> classes(target.width());
  std::iota(classes.begin(), classes.end(), 0);
  std::stable_sort(classes.begin(), classes.end(),
                   [&](auto a, auto b) { return rows[a] > rows[b]; });
  classes.resize(std::min(classes.size(), kMostClassesTold));
  std::optional<Strength> mean;
  double told = 0;
  for (const std::size_t k : classes) {
    const auto is = IsClass(target, double(k));
    const auto one = AucOf(MeansOfTheOtherHalf(cells, is), is, 1, z);
    if (!one) continue;
    if (!mean) mean = Strength{"auc", 0, 0, 0, one->rows, {}};
    told += 1;
    mean->value += one->value;
    mean->low += one->low;
    mean->high += one->high;
  }
  if (mean) mean->value /= told, mean->low /= told, mean->high /= told;
  return mean;
}

}  // namespace

std::optional<Strength> StrengthOf(const TableColumn& column, const Target& target,
                                   double confidence) {
  bool has_nulls = false;
  for (std::size_t r = 0; r < column.rows() && !has_nulls; ++r) has_nulls = column.IsNull(r);
  if (column.distinct + (has_nulls ? 1 : 0) < 2) return std::nullopt;
  const double z = sdk::NormalQuantile(0.5 + confidence / 2);
  const Cells cells = CellsOf(column);
  const char* by_cells = column.text() ? "values" : "ranges";
  std::optional<Strength> best;
  if (!target.classification) {
    KeepBetter(R2Of(MeansOfTheOtherHalf(cells, target.values), target.values, z), by_cells, &best);
    if (!column.text()) {
      KeepBetter(R2Of(LineOfTheOtherHalf(column.numbers, target.values), target.values, z), "line",
                 &best);
    }
    return best;
  }
  if (target.width() > 2) {
    KeepBetter(MeanAuc(cells, target, z), by_cells, &best);
    return best;
  }
  if (!column.text()) {
    KeepBetter(AucOf(column.numbers, target.values, 1, z), "order", &best);
    KeepBetter(AucOf(Negated(column.numbers), target.values, 1, z), "order", &best);
  }
  KeepBetter(AucOf(MeansOfTheOtherHalf(cells, target.values), target.values, 1, z), by_cells,
             &best);
  return best;
}

}  // namespace penstock::audit
