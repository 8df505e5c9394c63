// A column of a block of rows as plain values. Pure; Arrow's arrays are borrowed.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "components/statistics/sketch/counts.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::statistics {

inline constexpr std::int64_t kBlockRows = 65'536;

// What a column holds and how it is kept here.
struct ColumnShape {
  enum class Cells : std::uint8_t { kIntegers, kReals, kTexts, kLists, kNone };
  std::string name;
  std::shared_ptr<arrow::DataType> stored;  // null where datasets have no such type
  std::string type;                         // its text
  Kind kind = Kind::kOther;
  Cells cells = Cells::kNone;
  double divisor = 1;  // an integer divided by it is the number: 100 of decimal(10,2)
  int scale = 0;       // of a decimal
};
[[nodiscard]] ColumnShape ShapeOf(const std::string& name,
                                  const std::shared_ptr<arrow::DataType>& type);

struct BlockValues {
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
  std::int64_t nan = 0;
  std::int64_t positive_infinite = 0;
  std::int64_t negative_infinite = 0;
  std::int64_t empty = 0;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  Counted<TextKey> texts;         // in no order; a key may stand several times
  Counted<std::int64_t> lengths;  // the same of lengths
  arrow::ArrayVector elements;    // of lists: all within them
};

// Errors name the row, counted from `first_row`.
[[nodiscard]] Result<BlockValues> ReadBlock(const arrow::ChunkedArray& column,
                                            const ColumnShape& shape, std::int64_t first_row);

// The chunks in the types that ReadBlock and CellOf read: stored ones, but texts may stay in a
// dictionary.
[[nodiscard]] Result<arrow::ArrayVector> Readable(const arrow::ChunkedArray& column,
                                                  const ColumnShape& shape, std::int64_t first_row);

// A text that is longer than this is told apart by its beginning and its hash.
inline constexpr std::size_t kMostKeyBytes = 256;
[[nodiscard]] TextKey KeyOf(std::string_view text);

// A number of a readable array as a double; NaN for null. Of what is no number: its hash.
[[nodiscard]] double NumberAt(const arrow::Array& array, const ColumnShape& shape,
                              std::int64_t row);
// 0 for null.
[[nodiscard]] std::uint64_t HashAt(const arrow::Array& array, std::int64_t row);
// For people; null stays null.
[[nodiscard]] Json JsonAt(const arrow::Array& array, const ColumnShape& shape, std::int64_t row);

// Values as JSON has them.
[[nodiscard]] Json ValueJson(std::int64_t value, const ColumnShape& shape);
[[nodiscard]] Json ValueJson(double value, const ColumnShape& shape);
[[nodiscard]] Json ValueJson(const TextKey& value, const ColumnShape& shape);

}  // namespace penstock::statistics
