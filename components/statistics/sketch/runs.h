// The values of a block sorted and counted: what sums, counts and sketches are fed with. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "components/statistics/sketch/counts.h"

namespace penstock::statistics {

// Integers within a narrow range are counted by place, others by radix sort.
[[nodiscard]] Counted<std::int64_t> RunsOf(const std::vector<std::int64_t>& values);
// None is NaN; -0 counts as 0.
[[nodiscard]] Counted<double> RunsOf(const std::vector<double>& values);
// The same of counts by key, in no order and with keys that may stand several times.
[[nodiscard]] Counted<TextKey> RunsOf(Counted<TextKey> values);

}  // namespace penstock::statistics
