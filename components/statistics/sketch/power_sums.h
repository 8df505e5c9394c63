// The count, the sum and the sum of squares of numbers, exactly, and so the mean and the deviation:
// equal to the bit whatever the order or the shards. Integers are summed in 128 bits, doubles by
// ExactSum with the rounding of each product kept (a product is two doubles). Value type.
#pragma once

#include <cstdint>
#include <optional>

#include "components/sdk/exact_sum.h"

namespace penstock::statistics {

class PowerSums {
 public:
  // `count` times the same value, which is finite.
  void Add(double value, std::int64_t count);
  void Add(std::int64_t value, std::int64_t count);
  void Merge(const PowerSums& other);

  [[nodiscard]] std::int64_t count() const { return count_; }
  // Of at least one value. Rounded thrice at most: relative error below 1e-15.
  [[nodiscard]] double Mean() const;
  // Of the population, sqrt(n * sum(x^2) - sum(x)^2) / n, whose difference is exact. None where a
  // square is beyond a double, or where all are so small that it vanishes.
  [[nodiscard]] std::optional<double> Deviation() const;

 private:
  using Int128 = __int128;
  std::int64_t count_ = 0;
  Int128 integers_ = 0;  // sum of integers; their squares in two halves, none of which overflows
  Int128 squares_high_ = 0;
  unsigned __int128 squares_low_ = 0;
  sdk::ExactSum sum_;    // of doubles
  sdk::ExactSum large_;  // of doubles from 2^960 on, times 2^-100
  sdk::ExactSum squares_;
  bool has_large_ = false;   // a square beyond a double
  bool has_normal_ = false;  // a square that does not vanish
  bool has_small_ = false;   // one that does
};

// The parts of a product whose sum it is: high + low = a * b exactly, but for underflow.
void AddProduct(double a, double b, sdk::ExactSum& to);
// a * b of two sums, exactly, added to `to`; `sign` is 1 or -1.
void AddProduct(const sdk::ExactSum& a, const sdk::ExactSum& b, double sign, sdk::ExactSum& to);

}  // namespace penstock::statistics
