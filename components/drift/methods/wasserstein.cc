#include "components/drift/methods/wasserstein.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "components/sdk/exact_sum.h"

namespace penstock::drift {
namespace {

constexpr double kLeastDeviation = 0.001;

}  // namespace

double Wasserstein(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  double x = std::min(a.front(), b.front());
  while (i < a.size() || j < b.size()) {
    while (i < a.size() && a[i] == x) ++i;
    while (j < b.size() && b[j] == x) ++j;
    if (i == a.size() && j == b.size()) break;
    double next = i < a.size() ? a[i] : b[j];
    if (i < a.size() && j < b.size()) next = std::min(a[i], b[j]);
    const double difference = std::abs(double(i) / double(a.size()) - double(j) / double(b.size()));
    sum += difference * (next - x);
    x = next;
  }
  return sum;
}

double NormedWasserstein(std::span<const double> reference, std::span<const double> current) {
  return Wasserstein(reference, current) / std::max(sdk::MomentsOf(reference).std, kLeastDeviation);
}

}  // namespace penstock::drift
