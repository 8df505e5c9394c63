#include "components/statistics/sketch/distinct_sketch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace penstock::statistics {
namespace {

constexpr int kMostRank = 64 - DistinctSketch::kBits + 1;

// Ertl's sigma: what registers that are still 0 stand for.
double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

// Ertl's tau: what registers at their end stand for.
double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void DistinctSketch::Merge(const DistinctSketch& other) {
  for (std::size_t i = 0; i < registers_.size(); ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

double DistinctSketch::Estimate() const {
  std::array<int, kMostRank + 1> of_rank{};
  for (const std::uint8_t rank : registers_) ++of_rank[rank];
  const auto m = static_cast<double>(registers_.size());
  double z = m * Tau(1 - of_rank[kMostRank] / m);
  for (int rank = kMostRank - 1; rank >= 1; --rank) z = 0.5 * (z + of_rank[std::size_t(rank)]);
  z += m * Sigma(of_rank[0] / m);
  return m * m / (2 * std::log(2.0) * z);
}

}  // namespace penstock::statistics
