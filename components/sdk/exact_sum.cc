#include "components/sdk/exact_sum.h"

#include <algorithm>
#include <limits>

namespace penstock::sdk {

double ExactSum::Round() const {
  if (partials_.empty()) return 0;
  std::size_t n = partials_.size();
  double high = partials_[--n];
  double low = 0;
  while (n > 0) {
    const double x = high;
    const double y = partials_[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) break;
  }
  // The rest may sit exactly half-way: round half to even by looking one part further down.
  if (n > 0 && ((low < 0 && partials_[n - 1] < 0) || (low > 0 && partials_[n - 1] > 0))) {
    const double y = low * 2;
    const double x = high + y;
    if (y == x - high) high = x;
  }
  return high;
}

Moments MomentsOf(std::span<const double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*least == *most) return {*least, 0, true};
  // Scaled by a power of two, which is exact, no sum and no square leaves the range of a double.
  const double magnitude = std::max(std::abs(*least), std::abs(*most));
  const int exponent = std::ilogb(magnitude);
  const auto n = static_cast<double>(values.size());
  ExactSum sum;
  for (const double x : values) sum.Add(std::ldexp(x, -exponent));
  const double mean = sum.Round() / n;
  ExactSum squares;
  for (const double x : values) {
    const double difference = std::ldexp(x, -exponent) - mean;
    squares.Add(difference * difference);
  }
  constexpr double kRounding = 10 * std::numeric_limits<double>::epsilon();
  const double std = std::ldexp(std::sqrt(squares.Round() / n), exponent);
  const bool constant = std <= kRounding * magnitude;
  return {std::clamp(std::ldexp(mean, exponent), *least, *most), constant ? 0 : std, constant};
}

}  // namespace penstock::sdk
