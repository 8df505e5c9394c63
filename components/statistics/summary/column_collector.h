// What a pass keeps of one column. Blocks may come in any order and in several collectors that are
// merged: the same blocks give the same bits. Used by one thread at a time.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "components/statistics/summary/block_values.h"
#include "components/statistics/summary/scalar_summary.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

class ColumnCollector {
 public:
  ColumnCollector(ColumnShape shape, const Limits& limits, std::uint64_t seed);

  // One block of the dataset, whose number is `block` and whose first row is `first_row`.
  [[nodiscard]] Result<void> Add(std::uint64_t block, const arrow::ChunkedArray& column,
                                 std::int64_t first_row);
  // Of a collector with the same shape, limits and seed, and other blocks.
  void Merge(ColumnCollector other);
  // At most `top` values are listed.
  [[nodiscard]] Column Describe(std::size_t top) const;
  [[nodiscard]] const ColumnShape& shape() const { return shape_; }

 private:
  ColumnShape shape_;
  Limits limits_;
  std::uint64_t seed_;
  Column counts_;  // rows, nulls and what else is only counted
  std::optional<NumberSummary<std::int64_t>> integers_;
  std::optional<NumberSummary<double>> reals_;
  std::optional<ScalarSummary<TextKey>> texts_;
  std::optional<NumberSummary<std::int64_t>> lengths_;
  std::shared_ptr<ColumnCollector> elements_;  // owned; of lists
};

}  // namespace penstock::statistics
