#include "components/drift/methods/l_infinity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace penstock::drift {

double Total(std::span<const std::int64_t> counts) {
  return double(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
}

Largest LInfinity(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  const double all_a = Total(a);
  const double all_b = Total(b);
  Largest largest;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double(a[i]) / all_a - double(b[i]) / all_b);
    if (difference > largest.value) largest = {difference, i};
  }
  return largest;
}

double NormalizedAbsoluteDifference(std::span<const std::int64_t> a,
                                    std::span<const std::int64_t> b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double(a[i] - b[i])));
  return most / (Total(a) + Total(b));
}

}  // namespace penstock::drift
