// Statistics of rows that come in blocks. The blocks have numbers: given in any order, and to
// several collectors that are merged afterwards, they give the same bits. Used by one thread, and
// computes with as many as the options say.
//
// Memory: of a block its columns as they came and as plain values, 24 bytes a row of a correlated
// column; of each column at most 8,192 values or 1 MiB of texts, 16 KiB of HyperLogLog and log2
// (blocks) times 3,072 doubles and 1,024 counters; 20,000 sampled rows of 8 bytes a column.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "components/statistics/summary/collect.h"
#include "components/statistics/summary/column_collector.h"
#include "components/statistics/summary/pair_sums.h"
#include "components/statistics/summary/row_sample.h"

namespace penstock::statistics {

// The columns of one block, of which the rows begin at `first_row` of the dataset.
struct Block {
  std::uint64_t number = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
};

class Collector {
 public:
  // Columns of `schema` in its order. Invalid for a label that is none of them.
  [[nodiscard]] static Result<Collector> Create(const arrow::Schema& schema,
                                                const CollectOptions& options);

  // `read(c)` gives column c of the block; it is called once a column, by several threads.
  using ReadColumn =
      std::function<Result<std::shared_ptr<arrow::ChunkedArray>>(std::size_t column)>;
  [[nodiscard]] Result<void> Add(const Block& block, const ReadColumn& read);
  // Of a collector of the same columns and options, and other blocks.
  void Merge(Collector other);

  // Without slices, which take a pass of their own (collect.h).
  [[nodiscard]] Statistics Describe() const;

 private:
  Collector(std::vector<ColumnShape> shapes, const CollectOptions& options);
  [[nodiscard]] Result<void> AddColumn(std::size_t c, const Block& block, const ReadColumn& read);

  CollectOptions options_;
  std::vector<ColumnShape> shapes_;
  std::optional<std::size_t> label_;
  std::vector<ColumnCollector> columns_;
  std::vector<std::size_t> correlated_;  // places of number columns
  PairSums pairs_;
  RowSample sample_;
  std::int64_t rows_ = 0;
  // Of the block that is added.
  std::vector<arrow::ArrayVector> chunks_;
  std::vector<DenseColumn> dense_;
};

// Calls work(0), ..., work(count - 1) from `threads` threads; the first error counts, by number.
[[nodiscard]] Result<void> InParallel(std::size_t count, int threads,
                                      const std::function<Result<void>(std::size_t)>& work);

}  // namespace penstock::statistics
