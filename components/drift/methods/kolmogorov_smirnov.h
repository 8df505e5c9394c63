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

#include "components/drift/methods/runs.h"

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
// Neither is empty.
[[nodiscard]] KolmogorovSmirnov TestKolmogorovSmirnov(const Runs& a, const Runs& b);

// p of a difference of `value` between samples of n and m, as above.
[[nodiscard]] double SmirnovP(double value, std::int64_t n, std::int64_t m);
// The mean of Kolmogorov's distribution, sqrt(pi / 2) log 2 (Marsaglia, Tsang, Wang, "Evaluating
// Kolmogorov's distribution", 2003): times sqrt((n + m) / (n m)) what chance gives of D.
inline constexpr double kKolmogorovMean = 0.8687311606361591;

// P(D_{n,m} >= k / (n * m)) of samples without equal values.
[[nodiscard]] double ExactSmirnovTail(std::int64_t n, std::int64_t m, std::int64_t k);
// P(K > x) = 2 sum (-1)^(j-1) exp(-2 j^2 x^2) (Kolmogorov 1933); near 0 by the other series (Jacobi
// theta), which converges there.
[[nodiscard]] double KolmogorovTail(double x);

}  // namespace penstock::drift
