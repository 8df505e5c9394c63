// Values of one column of some records as an Arrow array, and what was seen of them. Pure
// functions, for any number of threads.
#pragma once

#include <arrow/array.h>
#include <arrow/type.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/ingest/csv/rows.h"
#include "components/ingest/csv/types.h"
#include "components/model_format/column.h"
#include "operator/base/result.h"

namespace penstock::ingest {

struct CsvColumn {
  std::string name;
  std::size_t field = 0;  // its place in a record
  CsvType type = CsvType::kString;
  std::optional<sdk::ColumnType> told;    // by the parameter types
  std::shared_ptr<arrow::DataType> made;  // told too: of the text, later (a date, a decimal)
  Seen seen = 0;
};

struct ConvertRules {
  Dialect dialect;
  ValueRules values;
  // All columns' Seen is complete: what a told type refuses by what else stands in the file (a time
  // without a zone among times with one, the other decimal mark) is refused now.
  bool all_seen = false;
};

struct BuiltColumn {
  struct Refused {
    std::size_t row = 0;
    std::string reason;
  };
  std::shared_ptr<arrow::Array> array;
  Seen seen = 0;
  std::vector<Refused> refused;  // only of told types
};

[[nodiscard]] std::shared_ptr<arrow::DataType> ArrowType(CsvType type);

// What the column is by what was seen of it.
[[nodiscard]] CsvType TypeOf(const CsvColumn& column, char decimal);

// Must the file be read once more, because a told type is refused only by what all values say?
[[nodiscard]] bool Contradicts(const CsvColumn& column, char decimal);

// A value that does not fit a type which was seen is null here; `seen` says that it was there.
[[nodiscard]] Result<BuiltColumn> BuildColumn(const Rows& rows, const CsvColumn& column,
                                              const ConvertRules& rules);

}  // namespace penstock::ingest
