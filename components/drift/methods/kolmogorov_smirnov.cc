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

KolmogorovSmirnov TestKolmogorovSmirnov(std::span<const double> a, std::span<const double> b) {
  const auto n = std::int64_t(a.size());
  const auto m = std::int64_t(b.size());
  KolmogorovSmirnov test;
  std::int64_t most = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] == x) ++i;
    while (j < b.size() && b[j] == x) ++j;
    const std::int64_t difference = std::abs(std::int64_t(i) * m - std::int64_t(j) * n);
    if (difference <= most) continue;
    most = difference;
    test.at = x;
    test.below_a = double(i) / double(n);
    test.below_b = double(j) / double(m);
  }
  test.value = std::abs(test.below_a - test.below_b);
  test.exact = n * m <= kExactPairs;
  const double scale = std::sqrt(double(n) * double(m) / double(n + m));
  test.p = test.exact ? ExactSmirnovTail(n, m, most) : KolmogorovTail(scale * test.value);
  return test;
}

}  // namespace penstock::drift
