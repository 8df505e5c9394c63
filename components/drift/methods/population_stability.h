// The population stability index. Pure.
//
//   PSI = sum over bins of (a - e) * ln(a / e)      a, e: a bin's share, now and in the reference
//
// (Siddiqi, Credit Risk Scorecards, 2006; 0.1 is usually called a shift, 0.25 a large one.) Within
// the logarithm a share counts as at least 0.0001, as in the model server's metrics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "components/drift/methods/l_infinity.h"
#include "components/drift/methods/runs.h"

namespace penstock::drift {

struct Stability {
  double value = 0;
  std::size_t at = 0;  // the bin that adds most
};
// Counts by bin, as many in both; sums above 0.
[[nodiscard]] Stability PopulationStability(std::span<const std::int64_t> reference,
                                            std::span<const std::int64_t> current);

// The inner edges of `bins` bins that hold equal shares of `sample` (not empty): its quantiles by
// linear interpolation (Hyndman and Fan's type 7, numpy.quantile), without repetitions.
[[nodiscard]] std::vector<double> QuantileEdges(const Runs& sample, int bins);

// How many of `sample` lie below the first edge, from each edge on and below the next, and from the
// last on: edges.size() + 1 counts.
[[nodiscard]] std::vector<std::int64_t> CountBetween(const Runs& sample,
                                                     std::span<const double> edges);

}  // namespace penstock::drift
