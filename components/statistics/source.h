// Statistics of whatever can be looked at: a dataset or a Parquet file, and what ingest reads (CSV,
// JSON Lines, Arrow; packed too), without a copy of it on disk.
#pragma once

#include <string>

#include "components/statistics/summary/collect.h"

namespace penstock::statistics {

// Slices are of datasets and Parquet only. Errors are ingest's.
[[nodiscard]] Result<Statistics> StatisticsOf(const std::string& path,
                                              const CollectOptions& options);

}  // namespace penstock::statistics
