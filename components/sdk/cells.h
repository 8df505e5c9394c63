// Cells of a canonical Arrow column. Borrowing views; valid while the batch lives.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <string>

#include "components/model_format/column.h"
#include "components/sdk/dataset.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// The named column of a canonical batch with its type. Invalid when it is missing or of a type that
// no cell has (a list, a struct).
struct TypedColumn {
  std::shared_ptr<arrow::Array> array;
  ColumnType type = ColumnType::kString;
};
[[nodiscard]] Result<TypedColumn> FindColumn(const arrow::RecordBatch& batch,
                                             const std::string& name);

// The value in a row; null is monostate.
[[nodiscard]] inline Cell CellAt(const TypedColumn& column, std::int64_t row) {
  const arrow::Array& array = *column.array;
  if (array.IsNull(row)) return {};
  switch (column.type) {
    case ColumnType::kString:
      return static_cast<const arrow::StringArray&>(array).GetView(row);
    case ColumnType::kInt64:
      return static_cast<const arrow::Int64Array&>(array).Value(row);
    case ColumnType::kFloat64:
      return static_cast<const arrow::DoubleArray&>(array).Value(row);
    case ColumnType::kBool:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case ColumnType::kTimestamp:
      return static_cast<const arrow::TimestampArray&>(array).Value(row);
  }
  return {};
}

// As JSON; NaN and infinities, which JSON lacks, become null.
[[nodiscard]] Json CellToJson(const Cell& cell);
// RFC 3339 of microseconds since 1970, which ParseTimestamp reads back; none outside the years 0 to
// 9999.
[[nodiscard]] std::optional<std::string> TimeText(std::int64_t micros);
// For a message: a text in quotes, at most 100 bytes of it, and NaN and infinities by their names.
[[nodiscard]] std::string ShownCell(const Cell& cell);
[[nodiscard]] std::string ShownClass(const Json& value);
// For people and for names of slices: "UA", "7", "true", "null".
[[nodiscard]] std::string CellToText(const Cell& cell);

}  // namespace penstock::sdk
