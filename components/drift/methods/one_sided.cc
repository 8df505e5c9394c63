#include "components/drift/methods/one_sided.h"

#include <math.h>  // lgamma_r: lgamma writes a global

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace penstock::drift {
namespace {

constexpr std::int64_t kFactors = 64;  // up to so many: logarithms of large factorials are rounded

double LogFactorial(std::int64_t n) {
  int sign = 0;
  return ::lgamma_r(double(n) + 1, &sign);
}

// C(of, t) / C(all, t): that all t rows are among `of` of `all`.
double AllAmong(std::int64_t t, std::int64_t of, std::int64_t all) {
  if (t > of) return 0;
  if (t <= kFactors) {
    double product = 1;
    for (std::int64_t i = 0; i < t; ++i) product *= double(of - i) / double(all - i);
    return product;
  }
  return std::exp(LogFactorial(of) - LogFactorial(of - t) + LogFactorial(all - t) -
                  LogFactorial(all));
}

}  // namespace

OneSided TestOneSided(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  const std::int64_t n = std::accumulate(a.begin(), a.end(), std::int64_t{0});
  const std::int64_t m = std::accumulate(b.begin(), b.end(), std::int64_t{0});
  std::array<double, 2> alone = {};
  std::map<std::int64_t, std::int64_t> values_of;  // by t
  for (std::size_t v = 0; v < a.size(); ++v) {
    if (a[v] + b[v] == 0) continue;
    ++values_of[a[v] + b[v]];
    if (b[v] == 0) alone[0] += double(a[v]);
    if (a[v] == 0) alone[1] += double(b[v]);
  }
  double expected = 0;
  double variance = 0;
  for (const auto& [t, values] : values_of) {
    const double q = std::min(1.0, AllAmong(t, n, n + m) + AllAmong(t, m, n + m));
    expected += double(values) * double(t) * q;
    variance += double(values) * double(t) * double(t) * q * (1 - q);
  }
  OneSided test;
  const double off = alone[0] + alone[1] - expected;
  test.value = (alone[0] + alone[1]) / double(n + m);
  test.chance = expected / double(n + m);
  test.shares = {alone[0] / double(n), alone[1] / double(m)};
  // Of values that are each in one row nothing varies: what is left of it is rounding.
  if (off <= 1e-9 * double(n + m)) return test;
  test.effect = off / double(n + m);
  test.p = variance > 0 ? std::erfc(off / std::sqrt(2 * variance)) / 2 : 0;
  return test;
}

}  // namespace penstock::drift
