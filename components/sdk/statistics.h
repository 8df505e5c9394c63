// Statistics of a dataset by column: what statistics.json holds, and what drift is measured
// against.
//
//   numbers, timestamps   count nulls mean std min max quantiles (at 0, 0.05, ... 1)
//   strings, booleans     count nulls distinct top [{value, count}] (at most 100, by count)
//
// Two passes over nothing but the columns named; numbers of a column are held in memory.
#pragma once

#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// {"rows": n, "columns": {name: {...}}}.
[[nodiscard]] Result<Json> ComputeStatistics(const std::string& dataset,
                                             const std::vector<std::string>& columns);

}  // namespace penstock::sdk
