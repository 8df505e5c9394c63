// A column's type and a cell's value, as clients send them and as files hold them.
//
// The five types cover what a signature may name (model.yaml `inputs`). Value types; a Cell borrows
// its string. Neither Arrow nor LibTorch: the model server includes this.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "operator/base/result.h"

namespace penstock::sdk {

enum class ColumnType : std::uint8_t { kString, kInt64, kFloat64, kBool, kTimestamp };

// "string", "int64", "float64", "bool", "timestamp".
[[nodiscard]] const char* Name(ColumnType type);
[[nodiscard]] std::optional<ColumnType> ParseColumnType(std::string_view name);

struct Column {
  std::string name;
  ColumnType type = ColumnType::kString;
  bool nullable = true;  // training saw a null, or was told how to impute one
  bool operator==(const Column&) const = default;
};

// Texts that ingest reads as null by default, and clients send for it (`None` and `nan` are
// Python's).
inline constexpr std::array<std::string_view, 10> kNullTexts = {
    "", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None"};

// One value; monostate is null. Timestamps are int64 microseconds since 1970 (UTC).
using Cell = std::variant<std::monostate, bool, std::int64_t, double, std::string_view>;

// The cell as the column's type, or why it cannot be (Invalid, names the column and both types):
//   int64      an integer, or a double without fraction below 2^53; NaN and infinities are null
//   float64    a number, and no integer that a double would round; NaN and infinities are null
//   bool       a boolean, or the integers 0 and 1
//   string     a string
//   timestamp  an integer (microseconds), or RFC 3339 text ("2013-08-01T05:00:00Z"; a date alone or
//              a blank for the T is accepted, no zone means UTC)
// Null stays null. A string cell still borrows the caller's bytes.
[[nodiscard]] Result<Cell> Coerce(const Cell& cell, const Column& column);

// Microseconds since 1970 of RFC 3339 text as above.
[[nodiscard]] std::optional<std::int64_t> ParseTimestamp(std::string_view text);

}  // namespace penstock::sdk
