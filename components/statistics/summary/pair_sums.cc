#include "components/statistics/summary/pair_sums.h"

#include <algorithm>
#include <cmath>

#include "components/statistics/sketch/power_sums.h"

namespace penstock::statistics {
namespace {

constexpr std::size_t kLanes = 8;

// In a fixed order, which the compiler can compute several at a time in.
template <typename Term>
double SumOf(std::size_t size, Term term) {
  double lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
  }
  for (; i < size; ++i) lanes[i % kLanes] += term(i);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  const double* x = a.data();
  const double* y = b.data();
  return SumOf(a.size(), [x, y](std::size_t i) { return x[i] * y[i]; });
}

double DotSquares(const std::vector<double>& a, const std::vector<double>& b) {
  const double* x = a.data();
  const double* y = b.data();
  return SumOf(a.size(), [x, y](std::size_t i) { return x[i] * x[i] * y[i]; });
}

// What a block adds: sums of u and v, which are x and y less their pivots.
struct BlockSums {
  double n = 0, u = 0, v = 0, uu = 0, vv = 0, uv = 0;
};

BlockSums SumsOf(const DenseColumn& a, const DenseColumn& b) {
  BlockSums s;
  s.uv = Dot(a.values, b.values);
  if (b.valid.empty()) {
    s.u = a.sum;
    s.uu = a.squares;
  } else {
    s.u = Dot(a.values, b.valid);
    s.uu = DotSquares(a.values, b.valid);
  }
  if (a.valid.empty()) {
    s.v = b.sum;
    s.vv = b.squares;
  } else {
    s.v = Dot(b.values, a.valid);
    s.vv = DotSquares(b.values, a.valid);
  }
  if (a.valid.empty() && b.valid.empty()) {
    s.n = double(a.values.size());
  } else if (a.valid.empty() || b.valid.empty()) {
    const auto& valid = a.valid.empty() ? b.valid : a.valid;
    s.n = SumOf(valid.size(), [&valid](std::size_t i) { return valid[i]; });
  } else {
    s.n = Dot(a.valid, b.valid);
  }
  return s;
}

// The sum of (p + u)(q + v) over n rows: n p q + p sum(v) + q sum(u) + sum(uv).
void AddProducts(double n, double p, double q, double u, double v, double uv, sdk::ExactSum& to) {
  const double high = p * q;
  AddProduct(high, n, to);
  AddProduct(std::fma(p, q, -high), n, to);
  AddProduct(p, v, to);
  AddProduct(q, u, to);
  to.Add(uv);
}

// n * sum(xy) - sum(x) sum(y)
double Comoment(double n, const sdk::ExactSum& xy, const sdk::ExactSum& x, const sdk::ExactSum& y) {
  sdk::ExactSum difference;
  for (const double part : xy.parts()) AddProduct(n, part, difference);
  AddProduct(x, y, -1, difference);
  return difference.Round();
}

}  // namespace

DenseColumn DenseOf(std::vector<double> values) {
  DenseColumn column;
  const auto first =
      std::find_if(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  column.pivot = first == values.end() ? 0 : *first;
  const bool all =
      std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  if (!all) column.valid.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool valid = all || std::isfinite(values[i]);
    values[i] = valid ? values[i] - column.pivot : 0;
    if (!all) column.valid[i] = valid ? 1 : 0;
  }
  column.values = std::move(values);
  const double* x = column.values.data();
  column.sum = SumOf(column.values.size(), [x](std::size_t i) { return x[i]; });
  column.squares = Dot(column.values, column.values);
  return column;
}

// Pairs (0,1), (0,2), (1,2), (0,3), ...
PairSums::Pair PairSums::ColumnsOf(std::size_t pair) const {
  std::size_t b = 1;
  while (b * (b + 1) / 2 <= pair) ++b;
  return {pair - b * (b - 1) / 2, b};
}

void PairSums::Add(std::size_t pair, const std::vector<DenseColumn>& block) {
  const Pair place = ColumnsOf(pair);
  const DenseColumn& x = block[place.a];
  const DenseColumn& y = block[place.b];
  Sums& sums = pairs_[pair];
  const BlockSums s = SumsOf(x, y);
  if (s.n == 0) return;
  const double p = x.pivot;
  const double q = y.pivot;
  sums.rows += std::int64_t(s.n);
  const double most = std::max({std::abs(p), std::abs(q), std::sqrt(s.uu), std::sqrt(s.vv)});
  constexpr double kMost = 0x1p460;  // products of sums of such stay within a double
  if (!(most < kMost)) {
    sums.overflow = true;
    return;
  }
  AddProduct(p, s.n, sums.a);
  sums.a.Add(s.u);
  AddProduct(q, s.n, sums.b);
  sums.b.Add(s.v);
  AddProducts(s.n, p, p, s.u, s.u, s.uu, sums.aa);
  AddProducts(s.n, q, q, s.v, s.v, s.vv, sums.bb);
  AddProducts(s.n, p, q, s.u, s.v, s.uv, sums.ab);
}

void PairSums::Merge(const PairSums& other) {
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    Sums& to = pairs_[i];
    const Sums& from = other.pairs_[i];
    to.rows += from.rows;
    to.overflow |= from.overflow;
    to.a.Merge(from.a);
    to.b.Merge(from.b);
    to.aa.Merge(from.aa);
    to.bb.Merge(from.bb);
    to.ab.Merge(from.ab);
  }
}

std::optional<double> PairSums::Correlation(std::size_t pair) const {
  const Sums& s = pairs_[pair];
  if (s.overflow || s.rows < 2) return std::nullopt;
  const auto n = double(s.rows);
  const double xx = Comoment(n, s.aa, s.a, s.a);
  const double yy = Comoment(n, s.bb, s.b, s.b);
  if (!(xx > 0) || !(yy > 0)) return std::nullopt;
  const double r = Comoment(n, s.ab, s.a, s.b) / std::sqrt(xx) / std::sqrt(yy);
  return std::isfinite(r) ? std::optional<double>(std::clamp(r, -1.0, 1.0)) : std::nullopt;
}

}  // namespace penstock::statistics
