// A sample by its different values: what the methods over an order need of it. Where values recur,
// as whole minutes do, it is far shorter than the sample, and each method is one walk over it.
// Value type; used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "components/sdk/exact_sum.h"

namespace penstock::drift {

class Runs {
 public:
  Runs() = default;
  // `values` are finite, in any order; -0 is 0. Whole numbers of a small range are counted; others
  // are sorted by their bits, eight at a time from the last (Knuth, TAOCP 3, 5.2.5).
  [[nodiscard]] static Runs Of(std::vector<double> values);
  // `value` is above all that there are, `count` above 0.
  void Add(double value, std::int64_t count);

  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }  // different values
  [[nodiscard]] std::int64_t total() const { return up_to_.empty() ? 0 : up_to_.back(); }
  [[nodiscard]] const std::vector<double>& values() const { return values_; }  // ascending
  // How many lie up to the i-th value, and how many are it.
  [[nodiscard]] std::int64_t UpTo(std::size_t i) const { return up_to_[i]; }
  [[nodiscard]] std::int64_t Count(std::size_t i) const {
    return i == 0 ? up_to_[0] : up_to_[i] - up_to_[i - 1];
  }
  [[nodiscard]] double front() const { return values_.front(); }
  [[nodiscard]] double back() const { return values_.back(); }
  // Of the sample in ascending order, from 0.
  [[nodiscard]] double At(std::int64_t place) const;
  [[nodiscard]] std::int64_t Below(double x) const;

 private:
  std::vector<double> values_;
  std::vector<std::int64_t> up_to_;
};

// Both together.
[[nodiscard]] Runs Merged(const Runs& a, const Runs& b);

// As sdk::MomentsOf over all values, bit for bit. Not empty.
[[nodiscard]] sdk::Moments MomentsOf(const Runs& runs);

}  // namespace penstock::drift
