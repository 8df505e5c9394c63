// The parts of a dataset column by column: each column of a part is read by itself, so that several
// threads can decode at once, through a buffer of 256 KiB, so that the size of row groups does not
// count. Texts stay in the dictionaries of the file where it has them.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "components/statistics/summary/collector.h"
#include "operator/base/result.h"

namespace penstock::statistics {

class ParquetColumns {
 public:
  // `columns`: empty means all, in the file's order. Invalid for an unknown column, and where a
  // column is of two types in two parts.
  [[nodiscard]] static Result<ParquetColumns> Open(const std::string& path,
                                                   const std::vector<std::string>& columns);
  ~ParquetColumns();
  ParquetColumns(ParquetColumns&&) noexcept;

  // Of the columns, in their order; a column of nulls in one part has its type in another.
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const;
  [[nodiscard]] std::size_t parts() const;
  [[nodiscard]] std::int64_t RowsOf(std::size_t part) const;

  [[nodiscard]] Result<void> OpenPart(std::size_t part);
  // The next rows of a column of the open part; each column by one thread at a time.
  [[nodiscard]] Result<std::shared_ptr<arrow::ChunkedArray>> Next(std::size_t column,
                                                                  std::int64_t rows);

 private:
  struct Impl;
  explicit ParquetColumns(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The blocks of the dataset, numbered through: kBlockRows rows each, fewer at the end of a part.
using VisitBlock = std::function<Result<void>(const Block&, const Collector::ReadColumn& read)>;
[[nodiscard]] Result<void> ForEachBlock(ParquetColumns& columns, const VisitBlock& visit);

}  // namespace penstock::statistics
