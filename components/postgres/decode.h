// Rows of PostgreSQL's binary form as record batches. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "components/postgres/connection.h"
#include "components/postgres/types.h"
#include "operator/base/result.h"

namespace penstock::postgres {

class Decoder {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Decoder>> Make(std::vector<ColumnPlan> columns);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  // Invalid names the row (from 1), the column and the value that a dataset cannot hold: an
  // infinite date, time or decimal, a NaN among decimals, a time beyond 64 bits of microseconds,
  // text that is no UTF-8, an array of arrays.
  [[nodiscard]] Result<void> Add(const Row& row);
  // So many rows or bytes are held that they are better written.
  [[nodiscard]] bool full() const;
  // What was added since; of no rows at the end.
  [[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> Take();

 private:
  explicit Decoder(std::vector<ColumnPlan> columns);
  std::vector<ColumnPlan> columns_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::int64_t rows_ = 0;    // added ever
  std::int64_t held_ = 0;    // since the last Take
  std::uint64_t bytes_ = 0;  // of those
};

}  // namespace penstock::postgres
