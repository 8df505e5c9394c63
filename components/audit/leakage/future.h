// A column that was made of labels that come later. Pure; deterministic.
#pragma once

#include <string>
#include <vector>

#include "components/audit/facts/target.h"

namespace penstock::audit {

// How much of a column the labels of the row and of those after it explain by least squares, beside
// the row and those before it: 30 rows each (of one group, in the order of time), and the mean, the
// sum and the count of all that follow (went before).
struct Future {
  std::string column;
  double after = 0;  // R2, adjusted for the number of regressors
  double before = 0;
  std::int64_t rows = 0;
};
// `time`: a column of times, `group`: empty for none. Rows of one time and group are one row, by
// their means. Of several classes the number of the class stands for the label. Columns of numbers
// with a null in at most half of the rows. Nothing where fewer than 150 rows have both 30 before
// and after them.
[[nodiscard]] std::vector<Future> FutureOf(const Table& table, const Target& target,
                                           const std::string& time, const std::string& group);

}  // namespace penstock::audit
