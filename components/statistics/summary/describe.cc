#include "components/statistics/summary/describe.h"

#include <algorithm>
#include <cmath>

namespace penstock::statistics {
namespace {

using Weighted = std::vector<std::pair<double, std::int64_t>>;

constexpr std::int64_t kExactInteger = std::int64_t{1} << 53;

// Ascending values with what each stands for, and the running sum.
class Ranks {
 public:
  explicit Ranks(Weighted values) : values_(std::move(values)) {
    std::int64_t sum = 0;
    for (const auto& [value, count] : values_) until_.push_back(sum += count);
  }
  [[nodiscard]] double Quantile(double share) const {
    const auto n = double(until_.back());
    // What a product in doubles leaves above a whole rank is no rank more.
    const auto rank = std::max<std::int64_t>(1, std::int64_t(std::ceil(share * n - 1e-9 * n)));
    const auto at = std::lower_bound(until_.begin(), until_.end(), rank);
    return values_[std::size_t(at - until_.begin())].first;
  }
  // How many are below.
  [[nodiscard]] double Below(double value) const {
    const auto at = std::lower_bound(values_.begin(), values_.end(), value,
                                     [](const auto& v, double x) { return v.first < x; });
    return at == values_.begin() ? 0 : double(until_[std::size_t(at - values_.begin()) - 1]);
  }
  [[nodiscard]] double All() const { return double(until_.back()); }

 private:
  Weighted values_;
  std::vector<std::int64_t> until_;
};

// Buckets between edges, which ascend and are at least two, or one for a single value.
std::vector<Bucket> BucketsOf(const std::vector<double>& edges, const Ranks& ranks) {
  if (edges.size() == 1) return {{edges[0], edges[0], ranks.All()}};
  std::vector<Bucket> buckets;
  double before = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
    const bool last = i + 2 == edges.size();
    const double until = last ? ranks.All() : ranks.Below(edges[i + 1]);
    buckets.push_back({edges[i], edges[i + 1], until - before});
    before = until;
  }
  return buckets;
}

void AddEdge(double edge, std::vector<double>& edges) {
  if (edges.empty() || edge > edges.back()) edges.push_back(edge);
}

void AddHistograms(const Ranks& ranks, Numbers& numbers) {
  std::vector<double> equal = {numbers.min};
  std::vector<double> deciles = {numbers.min};
  const double width = (numbers.max - numbers.min) / kBuckets;
  for (int b = 1; b < kBuckets; ++b) {
    const double share = double(b) / kBuckets;
    // The difference of the ends may be beyond a double.
    AddEdge(std::isfinite(width) ? numbers.min + b * width
                                 : numbers.min * (1 - share) + numbers.max * share,
            equal);
    AddEdge(ranks.Quantile(share), deciles);
  }
  AddEdge(numbers.max, equal);
  AddEdge(numbers.max, deciles);
  numbers.histogram = BucketsOf(equal, ranks);
  numbers.quantile_histogram = BucketsOf(deciles, ranks);
}

template <typename Key>
Weighted ValuesOf(const NumberSummary<Key>& summary, const SketchNode<Key>& sketch,
                  double& rank_error) {
  const auto* all = summary.scalars().all();
  if (all == nullptr) {
    rank_error = sketch.quantiles.RankError();
    return sketch.quantiles.Weighted();
  }
  Weighted values;
  for (const auto& [key, count] : *all) values.emplace_back(summary.NumberOf(key), count);
  return values;
}

template <typename Key>
std::optional<Numbers> NumbersFrom(const NumberSummary<Key>& summary,
                                   const SketchNode<Key>& sketch) {
  if (summary.sums().count() == 0) return std::nullopt;
  Numbers numbers;
  const PowerSums& sums = summary.sums();
  numbers.count = sums.count();
  numbers.min = summary.NumberOf(summary.least());
  numbers.max = summary.NumberOf(summary.most());
  const bool constant = summary.least() == summary.most();
  numbers.mean = constant ? numbers.min : sums.Mean() / summary.divisor();
  const auto deviation = constant ? std::optional<double>(0) : sums.Deviation();
  if (deviation) numbers.deviation = *deviation / summary.divisor();
  numbers.zeros = summary.zeros();
  numbers.negative = summary.negative();
  const Ranks ranks(ValuesOf(summary, sketch, numbers.rank_error));
  for (int q = 0; q <= kPercentiles; ++q) {
    const double value = ranks.Quantile(double(q) / kPercentiles);
    numbers.quantiles.push_back(q == 0 ? numbers.min : q == kPercentiles ? numbers.max : value);
  }
  AddHistograms(ranks, numbers);
  return numbers;
}

// Texts by themselves, not by their hashes.
bool IsBefore(const TextKey& a, const TextKey& b) { return a.text < b.text; }
bool IsBefore(std::int64_t a, std::int64_t b) { return a < b; }
bool IsBefore(double a, double b) { return a < b; }

template <typename Key>
void DescribeValues(const ScalarSummary<Key>& summary, const SketchNode<Key>& sketch,
                    const ColumnShape& shape, std::size_t top, Column& column) {
  const auto* all = summary.all();
  Counted<Key> values = all != nullptr ? *all : sketch.frequent.values();
  column.distinct = all != nullptr ? std::int64_t(all->size())
                                   : std::int64_t(std::llround(summary.DistinctEstimate()));
  column.distinct_error = all != nullptr ? 0 : DistinctSketch::kError;
  column.top_error = all != nullptr ? 0 : sketch.frequent.error();
  column.top_complete = all != nullptr && all->size() <= top;
  const std::size_t listed = std::min(top, values.size());
  std::partial_sort(values.begin(), values.begin() + std::ptrdiff_t(listed), values.end(),
                    [](const auto& a, const auto& b) {
                      return a.second != b.second ? a.second > b.second
                                                  : IsBefore(a.first, b.first);
                    });
  for (std::size_t i = 0; i < listed; ++i) {
    column.top.push_back({ValueJson(values[i].first, shape), values[i].second});
  }
}

template <typename Key>
void DescribeAll(const NumberSummary<Key>& summary, const ColumnShape& shape, std::size_t top,
                 Column& column) {
  SketchNode<Key> sketch;
  if (summary.scalars().all() == nullptr) sketch = summary.scalars().Sketch();
  DescribeValues(summary.scalars(), sketch, shape, top, column);
  if (shape.kind != Kind::kBoolean) column.numbers = NumbersFrom(summary, sketch);
}

}  // namespace

std::optional<Numbers> NumbersOf(const NumberSummary<std::int64_t>& summary) {
  SketchNode<std::int64_t> sketch;
  if (summary.scalars().all() == nullptr) sketch = summary.scalars().Sketch();
  return NumbersFrom(summary, sketch);
}

std::optional<Numbers> NumbersOf(const NumberSummary<double>& summary) {
  SketchNode<double> sketch;
  if (summary.scalars().all() == nullptr) sketch = summary.scalars().Sketch();
  return NumbersFrom(summary, sketch);
}

void DescribeNumbers(const NumberSummary<std::int64_t>& summary, const ColumnShape& shape,
                     std::size_t top, Column& column) {
  DescribeAll(summary, shape, top, column);
  if (!column.numbers) return;
  const auto beyond = [](std::int64_t x) { return x > kExactInteger || x < -kExactInteger; };
  const bool plain = shape.kind == Kind::kNumber && shape.divisor == 1;
  if (plain && !beyond(summary.least()) && !beyond(summary.most())) return;
  column.least = ValueJson(summary.least(), shape);
  column.most = ValueJson(summary.most(), shape);
}

void DescribeNumbers(const NumberSummary<double>& summary, const ColumnShape& shape,
                     std::size_t top, Column& column) {
  DescribeAll(summary, shape, top, column);
}

void DescribeTexts(const ScalarSummary<TextKey>& summary, const ColumnShape& shape, std::size_t top,
                   Column& column) {
  SketchNode<TextKey> sketch;
  if (summary.all() == nullptr) sketch = summary.Sketch();
  DescribeValues(summary, sketch, shape, top, column);
}

}  // namespace penstock::statistics
