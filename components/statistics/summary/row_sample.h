// The rows of a dataset whose places hash lowest: as many from any order of blocks, any number of
// threads and shards. Cells are 8 bytes: a double (NaN: none) of numbers and times, else a hash
// (0: none). A few of the rows are kept as JSON, to be shown. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <vector>

#include "components/statistics/summary/block_values.h"

namespace penstock::statistics {

class RowSample {
 public:
  RowSample(std::vector<ColumnShape> shapes, std::size_t rows, std::size_t shown,
            std::uint64_t seed);

  // `columns`: readable chunks by column, all of one length.
  void Add(std::int64_t first_row, std::int64_t rows,
           const std::vector<arrow::ArrayVector>& columns);
  void Merge(const RowSample& other);

  struct Row {
    std::uint64_t hash = 0;
    std::int64_t row = 0;
    std::vector<std::uint64_t> cells;  // by column; doubles as their bits
    std::vector<Json> shown;           // by column, or empty
  };
  // By hash, at most as many as were asked for.
  [[nodiscard]] std::vector<Row> Rows() const;

 private:
  [[nodiscard]] std::vector<Row> Choose(std::int64_t first_row, std::int64_t rows) const;
  void Keep(std::vector<Row> more);

  std::vector<ColumnShape> shapes_;
  std::size_t most_;
  std::size_t shown_;
  std::uint64_t seed_;
  std::vector<Row> rows_;  // the lowest so far, ascending
};

}  // namespace penstock::statistics
