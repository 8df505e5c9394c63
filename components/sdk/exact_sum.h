// The correctly rounded sum of doubles, whatever their order: so a fitted mean does not depend on
// how the data came in shards or batches. Shewchuk's growing expansion ("Adaptive precision
// floating-point arithmetic", 1997), as Python's math.fsum uses it. Value type; used by one thread.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace penstock::sdk {

class ExactSum {
 public:
  // `x` must be finite.
  void Add(double x) {
    std::size_t kept = 0;
    for (double y : partials_) {
      if (std::abs(x) < std::abs(y)) std::swap(x, y);
      const double high = x + y;
      const double low = y - (high - x);
      if (low != 0) partials_[kept++] = low;
      x = high;
    }
    partials_.resize(kept);
    partials_.push_back(x);
  }

  void Merge(const ExactSum& other) {
    for (const double x : std::vector<double>(other.partials_)) Add(x);
  }

  [[nodiscard]] double Round() const;
  // Whose exact sum this is; which ones depends on the order of Add.
  [[nodiscard]] const std::vector<double>& parts() const { return partials_; }

 private:
  std::vector<double> partials_;  // non-overlapping, growing
};

// The mean and the standard deviation of the population, from exact sums in two passes. Where all
// values are one, the mean is that value itself and not the quotient, which may round beside it.
struct Moments {
  double mean = 0;
  double std = 0;
  // No spread but what rounding leaves: std is below ten units in the last place of the largest
  // magnitude, and is 0 here.
  bool constant = true;
};
// `values` are finite and at least one.
[[nodiscard]] Moments MomentsOf(std::span<const double> values);

}  // namespace penstock::sdk
