// The largest difference of two distributions over values. Pure.
//
//   L-infinity = max over v of |a_v / sum(a) - b_v / sum(b)|
//   normalized absolute difference = max over v of |a_v - b_v| / (sum(a) + sum(b))
//
// (TensorFlow Data Validation's infinity_norm and normalized_abs_difference.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace penstock::drift {

struct Largest {
  double value = 0;
  std::size_t at = 0;  // the bin; the first of several
};

// Counts by bin, as many in both; sums above 0.
[[nodiscard]] Largest LInfinity(std::span<const std::int64_t> a, std::span<const std::int64_t> b);
[[nodiscard]] double NormalizedAbsoluteDifference(std::span<const std::int64_t> a,
                                                  std::span<const std::int64_t> b);

// Of all bins.
[[nodiscard]] double Total(std::span<const std::int64_t> counts);

}  // namespace penstock::drift
