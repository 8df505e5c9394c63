// Intervals by resampling rows, for metrics that have none by formula (Efron and Tibshirani, An
// Introduction to the Bootstrap, 1993, chapter 13: the percentile interval). Pure: the draws are
// the same for the same number of rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "components/evaluate/scoring.h"
#include "components/sdk/metrics.h"

namespace penstock::evaluate {

inline constexpr int kMostResamples = 1000;
inline constexpr int kLeastResamples = 100;

// For each of `metrics` that is defined, has no interval and can have one: 1000 resamples of the
// rows, fewer where rows x resamples (x a quarter of the classes, where they are more than four)
// would be above `budget`, none where not even 100 fit into it or there are fewer than 20 rows. A
// resample in which the metric is not defined is left out; above one in ten there is no interval.
void AddBootstrapIntervals(const Scored& scored, std::span<const std::uint32_t> rows,
                           double confidence, double budget, sdk::Metrics* metrics);

// How often each of `rows` rows is drawn in resample `number`; sums up to `rows`.
[[nodiscard]] std::vector<double> Resample(std::size_t rows, int number);

}  // namespace penstock::evaluate
