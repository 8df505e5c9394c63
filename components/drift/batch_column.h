// Some rows of a column as ColumnValues takes them. Borrows nothing; used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>

#include "components/drift/pairing.h"
#include "components/sdk/cells.h"
#include "operator/base/result.h"

namespace penstock::drift {

struct BatchColumn {
  sdk::TypedColumn values;              // of a list those of all its items
  std::shared_ptr<arrow::Array> lists;  // where each list begins and ends; null: it is none
  std::shared_ptr<arrow::Array>
      entries;  // of texts in a dictionary, which `values` are then: which
};

// `array`: of a type that is read (arrow_types.h), of texts also a dictionary. Invalid for one that
// has no such values, and names the column.
[[nodiscard]] Result<BatchColumn> ColumnOf(std::shared_ptr<arrow::Array> array, const Pair& pair);

// A row of a column that is no list.
[[nodiscard]] sdk::Cell TextAt(const BatchColumn& column, std::int64_t row);

}  // namespace penstock::drift
