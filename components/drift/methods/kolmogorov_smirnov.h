// The two-sample Kolmogorov-Smirnov test, two-sided. Pure.
//
//   D = max over x of |F(x) - G(x)|      F, G: the shares of values up to x
//
// p is exact where the number of pairs is at most kExactPairs: the share of the orders of n + m
// values (all different) whose largest difference is at least D, counted along the lattice of
// orders (Hodges, "The significance probability of the Smirnov two-sample test", 1958; what
// scipy.stats.ks_2samp gives with method="exact"). Else it is the limit's: Kolmogorov's
// distribution at D * sqrt(n m / (n + m)) (scipy.special.kolmogorov). Equal values make either too
// large, never too small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace penstock::drift {

inline constexpr std::int64_t kExactPairs = 1'000'000;

struct KolmogorovSmirnov {
  double value = 0;
  double at = 0;       // where the difference is largest; the least such x
  double below_a = 0;  // F(at)
  double below_b = 0;  // G(at)
  double p = 1;
  bool exact = false;
};
// Both ascending, finite, not empty.
[[nodiscard]] KolmogorovSmirnov TestKolmogorovSmirnov(std::span<const double> a,
                                                      std::span<const double> b);

// P(D_{n,m} >= k / (n * m)) of samples without equal values.
[[nodiscard]] double ExactSmirnovTail(std::int64_t n, std::int64_t m, std::int64_t k);
// P(K > x) = 2 sum (-1)^(j-1) exp(-2 j^2 x^2) (Kolmogorov 1933); near 0 by the other series (Jacobi
// theta), which converges there.
[[nodiscard]] double KolmogorovTail(double x);

}  // namespace penstock::drift
