#include "components/statistics/summary/collect.h"

#include <arrow/api.h>

#include <algorithm>

#include "components/statistics/summary/collector.h"
#include "components/statistics/summary/parquet_columns.h"
#include "components/statistics/summary/slices.h"
#include "operator/base/try.h"

namespace penstock::statistics {

Result<void> ForEachBlock(ParquetColumns& columns, const VisitBlock& visit) {
  Block block;
  for (std::size_t part = 0; part < columns.parts(); ++part) {
    PENSTOCK_TRY(columns.OpenPart(part));
    for (std::int64_t left = columns.RowsOf(part); left > 0; left -= block.rows) {
      block.rows = std::min(left, kBlockRows);
      PENSTOCK_TRY(
          visit(block, [&](std::size_t column) { return columns.Next(column, block.rows); }));
      block.first_row += block.rows;
      ++block.number;
    }
  }
  return {};
}

Result<Statistics> CollectStatistics(const std::string& path, const CollectOptions& options) {
  PENSTOCK_ASSIGN(auto columns, ParquetColumns::Open(path, options.columns));
  PENSTOCK_ASSIGN(auto collector, Collector::Create(*columns.schema(), options));
  PENSTOCK_TRY(ForEachBlock(columns, [&](const Block& block, const Collector::ReadColumn& read) {
    return collector.Add(block, read);
  }));
  Statistics statistics = collector.Describe();
  if (!options.slices.empty()) PENSTOCK_TRY(AddSlices(path, options, statistics));
  return statistics;
}

}  // namespace penstock::statistics
