#include "components/drift/methods/chi_squared.h"

#include <cmath>
#include <cstddef>
#include <limits>

#include "components/drift/methods/l_infinity.h"

namespace penstock::drift {
namespace {

// lgamma writes a global sign in some libraries; this form does not.
double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

}  // namespace

double UpperGamma(double a, double x) {
  if (x <= 0) return 1;
  const double front = std::exp(a * std::log(x) - x - LogGamma(a));
  constexpr double kSmall = 1e-17;
  if (x < a + 1) {
    double term = 1 / a;
    double sum = term;
    double n = a;
    while (term > sum * kSmall) {
      n += 1;
      term *= x / n;
      sum += term;
    }
    return 1 - front * sum;
  }
  // Lentz's way of reckoning a continued fraction from the front.
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double fraction = d;
  for (int i = 1; i < 100'000; ++i) {
    const double an = -double(i) * (double(i) - a);
    b += 2;
    d = an * d + b;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + an / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    fraction *= d * c;
    if (std::abs(d * c - 1) < std::numeric_limits<double>::epsilon()) break;
  }
  return front * fraction;
}

double ChiSquaredValue(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  const double all_a = Total(a);
  const double all_b = Total(b);
  const double all = all_a + all_b;
  double value = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double both = double(a[i] + b[i]);
    if (both == 0) continue;
    const double expected_a = all_a * both / all;
    const double expected_b = all_b * both / all;
    value += (double(a[i]) - expected_a) * (double(a[i]) - expected_a) / expected_a +
             (double(b[i]) - expected_b) * (double(b[i]) - expected_b) / expected_b;
  }
  return value;
}

ChiSquared TestChiSquared(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  ChiSquared test;
  for (std::size_t i = 0; i < a.size(); ++i) test.degrees += a[i] + b[i] > 0 ? 1 : 0;
  test.degrees -= 1;
  if (test.degrees < 1) return test;
  test.value = ChiSquaredValue(a, b);
  test.p = UpperGamma(double(test.degrees) / 2, test.value / 2);
  test.cramers_v = std::sqrt(test.value / (Total(a) + Total(b)));
  return test;
}

}  // namespace penstock::drift
