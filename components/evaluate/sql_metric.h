// Metrics of the user's own: one number by SQL over the rows and the model's answers.
//
// The view `answers` has the columns of the dataset, of the scored rows, and beside them
//   prediction    the value of a regression, else the decided class
//   probability   of the positive class; of more classes, of the decided one (float64)
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "components/evaluate/scoring.h"

namespace penstock::evaluate {

inline constexpr std::chrono::seconds kSqlLimit{600};  // of one metric

// Each text by the name of its metric. No intervals, no direction. A null (a mean of no rows) is
// not defined. Invalid names the metric: its text is wrong, takes longer than kSqlLimit, or gives
// another thing than one number; or a column that has one of the names above. `scratch`: a folder
// that is made, and removed again.
[[nodiscard]] Result<sdk::Metrics> SqlMetrics(const Scored& scored, const std::string& dataset,
                                              const std::map<std::string, std::string>& sql,
                                              const std::string& scratch,
                                              std::chrono::seconds limit = kSqlLimit);

}  // namespace penstock::evaluate
