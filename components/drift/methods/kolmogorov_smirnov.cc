#include "components/drift/methods/kolmogorov_smirnov.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <vector>

namespace penstock::drift {

double KolmogorovTail(double x) {
  if (x <= 0) return 1;
  if (x < 1) {
    const double unit = std::numbers::pi * std::numbers::pi / (8 * x * x);
    double sum = 0;
    for (int j = 1; j <= 9; j += 2) sum += std::exp(-double(j) * j * unit);
    return 1 - std::sqrt(2 * std::numbers::pi) / x * sum;
  }
  double sum = 0;
  for (int j = 1; j <= 6; ++j) sum += (j % 2 == 1 ? 1 : -1) * std::exp(-2.0 * j * j * x * x);
  return 2 * sum;
}

// Paths from (0, 0) to (n, m), each order of the values one, weighed so that all together are 1:
// at (i, j) the next value is of the first sample with the share (n - i) / (what is left). What
// reaches the bound is gone; the rest stayed inside.
double ExactSmirnovTail(std::int64_t n, std::int64_t m, std::int64_t k) {
  if (k <= 0) return 1;
  double outside = 0;  // summed itself: 1 - inside would lose a small tail
  std::vector<double> row(std::size_t(m) + 1, 0);
  for (std::int64_t i = 0; i <= n; ++i) {
    for (std::int64_t j = 0; j <= m; ++j) {
      double here = i == 0 && j == 0 ? 1 : 0;
      if (i > 0) here += row[std::size_t(j)] * double(n - i + 1) / double(n - i + 1 + m - j);
      if (j > 0) here += row[std::size_t(j - 1)] * double(m - j + 1) / double(n - i + m - j + 1);
      if (std::abs(i * m - j * n) >= k) {
        outside += here;
        here = 0;
      }
      row[std::size_t(j)] = here;
    }
  }
  return std::min(outside, 1.0);
}

double SmirnovP(double value, std::int64_t n, std::int64_t m) {
  const double pairs = double(n) * double(m);
  if (pairs <= double(kExactPairs)) {
    // The least step of orders that is as large, but for rounding.
    return ExactSmirnovTail(n, m, std::int64_t(std::ceil(value * pairs * (1 - 1e-12))));
  }
  return KolmogorovTail(std::sqrt(pairs / double(n + m)) * value);
}

KolmogorovSmirnov TestKolmogorovSmirnov(const Runs& a, const Runs& b) {
  const std::int64_t n = a.total();
  const std::int64_t m = b.total();
  KolmogorovSmirnov test;
  std::int64_t most = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const double x = std::min(a.values()[i], b.values()[j]);
    if (a.values()[i] == x) ++i;
    if (j < b.size() && b.values()[j] == x) ++j;
    const std::int64_t up_to_a = i == 0 ? 0 : a.UpTo(i - 1);
    const std::int64_t up_to_b = j == 0 ? 0 : b.UpTo(j - 1);
    const std::int64_t difference = std::abs(up_to_a * m - up_to_b * n);
    if (difference <= most) continue;
    most = difference;
    test.at = x;
    test.below_a = double(up_to_a) / double(n);
    test.below_b = double(up_to_b) / double(m);
  }
  test.value = std::abs(test.below_a - test.below_b);
  test.exact = n * m <= kExactPairs;
  const double scale = std::sqrt(double(n) * double(m) / double(n + m));
  test.p = test.exact ? ExactSmirnovTail(n, m, most) : KolmogorovTail(scale * test.value);
  return test;
}

}  // namespace penstock::drift
