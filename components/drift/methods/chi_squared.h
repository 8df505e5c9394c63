// Pearson's chi-squared test that two rows of counts are of one distribution. Pure.
//
//   X = sum over cells of (observed - expected)^2 / expected,  expected = row total * column total
//       / total; degrees of freedom: columns - 1 (those without any count left out)
//
// p is the upper tail of the chi-squared distribution (scipy.stats.chi2_contingency with
// correction=False). Cramer's V is sqrt(X / total) for two rows: an effect in [0, 1].
#pragma once

#include <cstdint>
#include <span>

namespace penstock::drift {

struct ChiSquared {
  double value = 0;
  std::int64_t degrees = 0;
  double p = 1;
  double cramers_v = 0;
};
// Counts by bin, as many in both; sums above 0.
[[nodiscard]] ChiSquared TestChiSquared(std::span<const std::int64_t> a,
                                        std::span<const std::int64_t> b);
// The value alone, without its tail.
[[nodiscard]] double ChiSquaredValue(std::span<const std::int64_t> a,
                                     std::span<const std::int64_t> b);

// Q(a, x), the regularised upper incomplete gamma function, a > 0, x >= 0: by its series below
// a + 1, by its continued fraction above (Abramowitz and Stegun 6.5.29 and 6.5.31).
[[nodiscard]] double UpperGamma(double a, double x);

}  // namespace penstock::drift
