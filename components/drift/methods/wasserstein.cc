#include "components/drift/methods/wasserstein.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace penstock::drift {
namespace {

constexpr double kLeastDeviation = 0.001;

}  // namespace

double Wasserstein(const Runs& a, const Runs& b) {
  double sum = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  double x = std::min(a.front(), b.front());
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && a.values()[i] == x) ++i;
    if (j < b.size() && b.values()[j] == x) ++j;
    if (i == a.size() && j == b.size()) break;
    double next = i < a.size() ? a.values()[i] : b.values()[j];
    if (i < a.size() && j < b.size()) next = std::min(a.values()[i], b.values()[j]);
    const double up_to_a = i == 0 ? 0 : double(a.UpTo(i - 1)) / double(a.total());
    const double up_to_b = j == 0 ? 0 : double(b.UpTo(j - 1)) / double(b.total());
    sum += std::abs(up_to_a - up_to_b) * (next - x);
    x = next;
  }
  return sum;
}

double NormedWasserstein(double wasserstein, double deviation) {
  return wasserstein / std::max(deviation, kLeastDeviation);
}

}  // namespace penstock::drift
