// Statistics of a dataset in one pass (two with slices), in memory that does not grow with the
// rows.
//
// Rows are taken in blocks of kBlockRows. What is exact (counts, sums, ends, distinct values and
// their counts up to kExactValues) and HyperLogLog do not depend on any order; KLL and the frequent
// values are merged along one binary tree over the blocks' numbers. So threads, and shards merged
// in whatever order, give the same bits.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/statistics/summary/scalar_summary.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

struct CollectOptions {
  std::vector<std::string> columns;  // empty: all
  std::string label;                 // empty: none
  std::vector<std::string> slices;   // columns by whose values everything is said again
  std::size_t slice_values = 10;     // the most frequent of each
  std::size_t top = 100;             // values that are listed
  std::size_t sample = 20;           // rows that are shown
  std::size_t correlated = 64;       // so many number columns are correlated with each other
  std::uint64_t seed = 0;
  int threads = 0;  // 0: as many as there are processors
  Limits limits;
};

// `path`: a dataset's folder or a Parquet file. Errors name the column or the parameter.
[[nodiscard]] Result<Statistics> CollectStatistics(const std::string& path,
                                                   const CollectOptions& options);

}  // namespace penstock::statistics
