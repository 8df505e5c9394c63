// The parts of a source as one table: by the names of their columns, in types that keep every
// value. Pure.
#pragma once

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/schema.h"
#include "operator/base/result.h"

namespace penstock::ingest {

// What was asked for.
struct Wishes {
  std::vector<std::string> columns;          // only these, in this order; empty: all
  std::map<std::string, std::string> types;  // of some columns, as a schema writes them
  std::map<std::string, sdk::Role> roles;
  std::optional<sdk::Schema> schema;  // then nothing is seen from the data
};

struct PartSchema {
  std::string name;  // for errors
  std::shared_ptr<arrow::Schema> schema;
  bool text = false;    // of text (CSV, JSON): a schema may say more of a value than it can
  bool sparse = false;  // JSON: a column without any value is not there
};

struct UnitePlan {
  std::shared_ptr<arrow::Schema> target;  // stored types
  sdk::Schema described;                  // for the dataset
  bool given = false;                     // `described` was, so values must keep to it
  std::vector<std::string> notes;         // what is otherwise than in the file
};

// A column that only some parts have is null elsewhere; a column without a value in any part is
// text. Types are widened where every value is kept: integers, integers and floats (each value is
// proved), dates and times, decimals; a column of nulls takes the other's. pandas' unnamed index is
// left out unless it is asked for. Invalid names the column (and both parts and types): a name that
// is empty, twice there or no UTF-8, types that do not meet, nested columns, a wish for a column
// that is not there, and what a given schema does not know.
[[nodiscard]] Result<UnitePlan> Unite(const std::vector<PartSchema>& parts, const Wishes& wishes);

// The columns of the plan that a part has, as its reader is to choose them.
[[nodiscard]] std::vector<std::string> ColumnsIn(const PartSchema& part, const UnitePlan& plan);

// A batch as the plan has it. `first_row` of the part, from 1. Invalid names the column, the row
// and the value that cannot be kept, or that a given schema does not allow.
[[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> Conform(const arrow::RecordBatch& batch,
                                                                  const UnitePlan& plan,
                                                                  std::int64_t first_row);

}  // namespace penstock::ingest
