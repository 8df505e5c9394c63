// Rules in SQL, by DuckDB as `query` runs it: in a locked-down child, each in at most ten minutes.
#pragma once

#include <chrono>
#include <string>

#include "components/statistics/summary/statistics.h"
#include "components/validate/rules/rule.h"

namespace penstock::validate {

inline constexpr std::chrono::seconds kSqlLimit{600};

// The condition of a rule `sql`, of every row of the view `dataset` (and, where it is given, beside
// the view `allowed`): false breaks the rule, null does not, as in SQL's CHECK. Errors have
// DuckDB's message.
[[nodiscard]] Result<Outcome> RunRowSql(const Rule& rule, const std::string& dataset,
                                        const RuleContext& context);

// The condition of a rule `statistics`: a SELECT of one boolean over the view `statistics`, a row a
// column (WriteStatisticsTable), and `previous`, the same of the run before (no row where there is
// none). False and null fail.
[[nodiscard]] Result<Outcome> RunStatisticsSql(const Rule& rule, const statistics::Statistics& data,
                                               const statistics::Statistics* previous,
                                               const RuleContext& context);

// A dataset of columns
//   column type kind (texts) rows nulls nan infinite distinct zeros negative empty (integers)
//   mean deviation min max median shortest longest (numbers; null where there are none)
[[nodiscard]] Result<void> WriteStatisticsTable(const statistics::Statistics* statistics,
                                                const std::string& folder);

}  // namespace penstock::validate
