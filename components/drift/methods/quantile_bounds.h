// How far two samples are apart of which only quantiles are known, as statistics.json keeps them.
// What quantiles leave open is not guessed: both ends of what the distance can be. Pure.
#pragma once

#include <span>

namespace penstock::drift {

struct KnownQuantiles {
  // At 0, 1 / k, ... 1: the least value with at least that share of the finite values at or below
  // it; none where there is no finite value.
  std::span<const double> quantiles;
  double rank_error = 0;  // of each, as a share
  double share = 1;       // of all rows that are finite
};

// Of max over x of |F(x) - G(x)|, F and G the shares of all rows up to x: it is from `least` to
// `most`. At `at` a sample has a share of at least (or at most) share_a, the other one at most (or
// at least) share_b, which differ by `least`.
//
// From a quantile q_i on, and before q_(i + 1), F is from i / k to (i + 1) / k, each further off by
// the rank error: it follows from what a quantile is.
struct KsBounds {
  double least = 0;
  double most = 0;
  double at = 0;
  double share_a = 0;
  double share_b = 0;
};
[[nodiscard]] KsBounds BoundKs(const KnownQuantiles& a, const KnownQuantiles& b);

}  // namespace penstock::drift
