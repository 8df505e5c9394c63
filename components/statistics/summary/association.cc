#include "components/statistics/summary/association.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "components/statistics/summary/pair_sums.h"

namespace penstock::statistics {
namespace {

constexpr std::size_t kBins = 20;        // of a number; of it more values are binned
constexpr std::size_t kCategories = 50;  // of others: the most frequent, the rest is one

// One column of the sample: numbers or hashes, and the rows that have a value.
struct Values {
  bool is_number = false;
  std::vector<double> numbers;
  std::vector<std::uint64_t> hashes;
  std::vector<char> has;
};

Values ValuesOf(const ColumnShape& shape, std::size_t column,
                const std::vector<RowSample::Row>& rows) {
  Values values;
  values.is_number =
      shape.cells == ColumnShape::Cells::kIntegers || shape.cells == ColumnShape::Cells::kReals;
  for (const auto& row : rows) {
    const std::uint64_t cell = row.cells[column];
    if (values.is_number) {
      values.numbers.push_back(std::bit_cast<double>(cell));
      values.has.push_back(std::isfinite(values.numbers.back()) ? 1 : 0);
    } else {
      values.hashes.push_back(cell);
      values.has.push_back(cell != 0 ? 1 : 0);
    }
  }
  return values;
}

// The rows that both have.
Values Only(const Values& from, const std::vector<char>& both) {
  Values kept;
  kept.is_number = from.is_number;
  for (std::size_t i = 0; i < both.size(); ++i) {
    if (both[i] == 0) continue;
    if (from.is_number) kept.numbers.push_back(from.numbers[i]);
    if (!from.is_number) kept.hashes.push_back(from.hashes[i]);
  }
  return kept;
}

using Codes = std::vector<std::size_t>;

template <typename T>
Codes CodesByRank(const std::vector<T>& values, const std::vector<T>& sorted_distinct) {
  Codes codes;
  for (const T& value : values) {
    const auto at = std::upper_bound(sorted_distinct.begin(), sorted_distinct.end(), value);
    codes.push_back(std::size_t(at - sorted_distinct.begin()) - 1);
  }
  return codes;
}

// Each value by itself while there are few, else bins of equal counts, as far as ties let them.
Codes BinsOf(const std::vector<double>& values, bool& binned) {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> distinct = sorted;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  binned = distinct.size() > kBins;
  if (!binned) return CodesByRank(values, distinct);
  std::vector<double> edges;
  for (std::size_t b = 0; b < kBins; ++b) {
    const double edge = sorted[sorted.size() * b / kBins];
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  return CodesByRank(values, edges);
}

Codes CategoriesOf(const std::vector<std::uint64_t>& hashes) {
  std::map<std::uint64_t, std::size_t> counts;
  for (const std::uint64_t hash : hashes) ++counts[hash];
  std::vector<std::pair<std::size_t, std::uint64_t>> by_count;
  for (const auto& [hash, count] : counts) by_count.emplace_back(count, hash);
  std::sort(by_count.rbegin(), by_count.rend());
  std::map<std::uint64_t, std::size_t> codes;
  for (const auto& [count, hash] : by_count)
    codes.emplace(hash, std::min(codes.size(), kCategories));
  Codes out;
  for (const std::uint64_t hash : hashes) out.push_back(codes.at(hash));
  return out;
}

std::vector<double> SharesOf(const Codes& codes) {
  std::vector<double> shares;
  for (const std::size_t code : codes) {
    if (code >= shares.size()) shares.resize(code + 1);
    shares[code] += 1.0 / double(codes.size());
  }
  return shares;
}

double EntropyOf(const Codes& codes) {
  double entropy = 0;
  for (const double p : SharesOf(codes)) entropy -= p > 0 ? p * std::log(p) : 0;
  return entropy;
}

double MutualInformation(const Codes& a, const Codes& b) {
  const std::size_t width = SharesOf(b).size();
  Codes both;
  for (std::size_t i = 0; i < a.size(); ++i) both.push_back(a[i] * width + b[i]);
  return std::max(0.0, EntropyOf(a) + EntropyOf(b) - EntropyOf(both));
}

// Ranks with ties in the middle; `above`: the rows of the greater label.
std::optional<double> AucOf(const std::vector<double>& x, const std::vector<char>& above) {
  std::vector<std::size_t> order(x.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&x](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  double ranks = 0;
  double positive = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    double tied = 0;
    for (; end < order.size() && x[order[end]] == x[order[i]]; ++end) tied += above[order[end]];
    ranks += tied * (double(i) + double(end) + 1) / 2;
    positive += tied;
    i = end;
  }
  const double negative = double(x.size()) - positive;
  if (positive == 0 || negative == 0) return std::nullopt;
  return (ranks - positive * (positive + 1) / 2) / (positive * negative);
}

std::optional<double> EtaSquared(const std::vector<double>& x, const Codes& groups) {
  const DenseColumn column = DenseOf(x);
  const auto n = double(x.size());
  const double mean = column.sum / n;
  std::vector<std::pair<double, double>> sums;  // of a group: rows, values
  double all = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (groups[i] >= sums.size()) sums.resize(groups[i] + 1);
    const double d = column.values[i] - mean;
    ++sums[groups[i]].first;
    sums[groups[i]].second += d;
    all += d * d;
  }
  double between = 0;
  for (const auto& [rows, sum] : sums) between += rows > 0 ? sum * sum / rows : 0;
  if (!(all > 0) || !std::isfinite(all)) return std::nullopt;
  return std::min(1.0, between / all);
}

std::optional<double> Pearson(const std::vector<double>& x, const std::vector<double>& y) {
  PairSums sums(2);
  sums.Add(0, {DenseOf(x), DenseOf(y)});
  return sums.Correlation(0);
}

// For a label of two values: which rows have the greater one. Texts are compared as texts, which
// the listed values know.
std::optional<std::vector<char>> Greater(const Values& label, const Codes& codes,
                                         const std::vector<ValueCount>& top) {
  if (SharesOf(codes).size() != 2) return std::nullopt;
  std::vector<char> above;
  if (label.is_number) {
    for (const std::size_t code : codes) above.push_back(code == 1 ? 1 : 0);
    return above;
  }
  std::string greatest;
  for (const auto& value : top) {
    if (value.value.is_string()) greatest = std::max(greatest, value.value.get<std::string>());
  }
  const std::uint64_t hash = KeyOf(greatest).hash;
  for (const std::uint64_t h : label.hashes) above.push_back(h == hash ? 1 : 0);
  return above;
}

Association AssociationOf(const std::string& name, const Values& x, const Values& y,
                          const std::vector<ValueCount>& top) {
  Association out;
  out.column = name;
  out.rows = std::int64_t(x.is_number ? x.numbers.size() : x.hashes.size());
  if (out.rows == 0) return out;
  bool x_binned = false;
  bool y_binned = false;
  const Codes a = x.is_number ? BinsOf(x.numbers, x_binned) : CategoriesOf(x.hashes);
  const Codes b = y.is_number ? BinsOf(y.numbers, y_binned) : CategoriesOf(y.hashes);
  out.mutual_information = MutualInformation(a, b);
  const double entropy = EntropyOf(b);
  if (entropy > 0) out.information_share = std::min(1.0, *out.mutual_information / entropy);
  if (x.is_number && y.is_number) out.r = Pearson(x.numbers, y.numbers);
  if (y_binned && !x.is_number) out.eta_squared = EtaSquared(y.numbers, a);
  if (!y_binned && x.is_number) out.eta_squared = EtaSquared(x.numbers, b);
  const auto above = x.is_number ? Greater(y, b, top) : std::nullopt;
  if (above) out.auc = AucOf(x.numbers, *above);
  return out;
}

}  // namespace

std::vector<Association> AssociationsOf(const std::vector<ColumnShape>& shapes, std::size_t label,
                                        const std::vector<ValueCount>& top,
                                        const std::vector<RowSample::Row>& rows) {
  const Values y = ValuesOf(shapes[label], label, rows);
  std::vector<Association> out;
  for (std::size_t c = 0; c < shapes.size(); ++c) {
    const auto cells = shapes[c].cells;
    if (c == label || cells == ColumnShape::Cells::kLists || cells == ColumnShape::Cells::kNone) {
      continue;
    }
    const Values x = ValuesOf(shapes[c], c, rows);
    std::vector<char> both(rows.size());
    for (std::size_t i = 0; i < both.size(); ++i) both[i] = x.has[i] != 0 && y.has[i] != 0 ? 1 : 0;
    out.push_back(AssociationOf(shapes[c].name, Only(x, both), Only(y, both), top));
  }
  return out;
}

}  // namespace penstock::statistics
