// How many rows have a value that occurs on one side only, over all values of a column, however
// rare each is: what bins of the most frequent values do not show, where all the others are one bin
// of both sides. Pure.
//
//   S = sum of t_v over the values v that one side only has;  t_v: the rows of v on both sides
//
// Where the pooled n + m rows are divided at random into n and m, a value of t rows is on one side
// only with the probability
//
//   q(t) = C(n, t) / C(n + m, t) + C(m, t) / C(n + m, t),  so that
//   E[S] = sum of t_v q(t_v),  Var[S] about sum of t_v^2 q(t_v) (1 - q(t_v))
//
// (the values taken as independent). The effect is max(0, S - E[S]) / (n + m), p the normal
// distribution's upper tail at (S - E[S]) / sqrt(Var[S]); both are nothing where S <= E[S].
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace penstock::drift {

struct OneSided {
  double value = 0;   // S / (n + m)
  double chance = 0;  // E[S] / (n + m)
  double effect = 0;
  double p = 1;
  std::array<double, 2> shares = {};  // of each side's rows, those with a value of it alone
};
// Counts by value, as many in both; sums above 0.
[[nodiscard]] OneSided TestOneSided(std::span<const std::int64_t> a,
                                    std::span<const std::int64_t> b);

}  // namespace penstock::drift
