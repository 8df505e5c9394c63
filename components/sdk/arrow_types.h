// Arrow's many types as the few that datasets have. Pure.
//
//   stored      what a dataset's parts hold: every value of the source, exactly
//   canonical   what components compute with: the five types of column.h
//
// A schema (schema.h) writes the stored type: "string", "int64", "float64", "bool", "timestamp"
// (microseconds, UTC), "date", "decimal(10,2)", "list<int64>", "binary".
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>

#include "components/model_format/column.h"
#include "operator/base/result.h"

namespace penstock::sdk {

// The canonical type; nullopt for what no transform reads (lists, structs, bytes, ...).
[[nodiscard]] std::optional<ColumnType> ColumnTypeOf(const arrow::DataType& type);

// string -> utf8, every integer -> int64, every float and decimal -> double, bool, every date and
// timestamp -> timestamp[us]. A type that is none of them is kept.
[[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> Canonical(
    const std::shared_ptr<arrow::RecordBatch>& batch);
[[nodiscard]] std::shared_ptr<arrow::Schema> CanonicalSchema(const arrow::Schema& schema);

// The type in which a dataset keeps a column of `type`: integers as int64, floats as double, texts
// and times of day as utf8, timestamps as timestamp[us], durations as int64, dictionaries as what
// they stand for; dates, decimals, bytes and lists stay. Null (a column without a value) becomes
// utf8. Null pointer for structs, maps, unions and intervals, which datasets do not have.
[[nodiscard]] std::shared_ptr<arrow::DataType> StoredType(
    const std::shared_ptr<arrow::DataType>& type);

// A column of a source as `type`, which is a stored type. Invalid, with the row (counted from
// `first_row`) and the value, for the first value that would change: an integer beyond int64 or
// beyond what a double holds, a fraction that a decimal rounds, a number but 0 and 1 as bool, a
// time of day that a date drops, bytes that are no UTF-8, text that is no such number, date or
// time, a time beyond microseconds in 64 bits, an integer as a time or a time as an integer, since
// nothing says in which unit. Nanoseconds are cut to microseconds.
[[nodiscard]] Result<std::shared_ptr<arrow::Array>> ToStored(
    const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type,
    std::int64_t first_row);

// "decimal(10,2)" of a stored type; for any other, Arrow's own name.
[[nodiscard]] std::string TypeText(const arrow::DataType& type);
// Of a text as above. Invalid says which types there are.
[[nodiscard]] Result<std::shared_ptr<arrow::DataType>> ParseTypeText(const std::string& text);

}  // namespace penstock::sdk
