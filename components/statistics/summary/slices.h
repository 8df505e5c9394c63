// Statistics by slice: the rows with one value of a column, for the most frequent values of some
// columns. A pass of its own over the dataset.
#pragma once

#include <string>
#include <vector>

#include "components/statistics/summary/collect.h"

namespace penstock::statistics {

// Adds to `statistics`, which has the values to slice by. Invalid for a column whose values are
// neither texts nor booleans nor integers, and for more than 2,000 columns of slices, of which
// each takes 0.1 MB at most.
[[nodiscard]] Result<void> AddSlices(const std::string& path, const CollectOptions& options,
                                     Statistics& statistics);

}  // namespace penstock::statistics
