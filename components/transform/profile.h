// What a column's values are like: what the automatic plan decides by. Pure.
#pragma once

#include <cstdint>

#include "components/transform/column_table.h"

namespace penstock::transform {

struct Profile {
  std::int64_t rows = 0;
  std::int64_t values = 0;  // that are no null, NaN or infinity
  std::int64_t distinct = 0;
  // Numbers (times: seconds).
  double least = 0;
  double most = 0;
  bool constant = false;       // but for rounding
  bool whole = false;          // integers, also of a column of floats
  bool survives_float = true;  // different numbers become different float32
  double skew = 0;             // of the values
  double log_skew = 0;         // of sign(x) ln(1 + |x|)
  double quarter = 0;          // the quantile at 25 %, and at 75 %
  double three_quarters = 0;
  // Texts.
  double words = 0;  // runs between blanks, on average
  // Times.
  bool at_midnight = false;  // all are: dates

  [[nodiscard]] bool has_nulls() const { return values < rows; }
};

[[nodiscard]] Profile ProfileOf(const sdk::TypedColumn& column);

}  // namespace penstock::transform
