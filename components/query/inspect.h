// What DuckDB says of the user's text before it runs, and what follows from it: which columns there
// will be, which functions are called, whether many threads give the rows of one. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::query {

struct Inspection {
  struct Column {
    std::string name;
    std::string type;  // as DuckDB writes it: "DECIMAL(10,2)", "BIGINT[]", "\"NULL\""
  };
  std::vector<Column> columns;
  std::set<std::string> unstable;  // functions that are no function of their arguments
  Json tree;                       // of json_serialize_sql
  Json plan;                       // of EXPLAIN (FORMAT json)
};

// True where DuckDB gives the same rows in the same order for every number of threads from two on:
// scans, projections, filters, semi and anti joins, and counts, extremes and sums of small integers
// over everything. False for all that is not known to: grouping, joins, sorting (ties), windows,
// LIMIT, samples, sums of floats, random().
[[nodiscard]] bool IsTheSameOnManyThreads(const Inspection& inspection);

// Invalid, with line and column, for a function that answers otherwise at another time or on
// another machine (now(), current_setting()), and for a table function that is none of SQL's own.
// `known_columns`: the inputs' columns, so that current_date may be one. Also for a name in quotes
// that is a column's but for its case: DuckDB would give that column.
[[nodiscard]] Result<void> CheckFunctions(const std::string& sql, const Inspection& inspection,
                                          const std::set<std::string>& known_columns);

// The SELECT list that makes of each column what a dataset holds: integers are BIGINT (or the query
// fails by the column's name), floats DOUBLE with null for NaN, times of day, UUIDs, enums and bits
// text, times TIMESTAMP in UTC. Invalid names a column of another type with the cast to write, and
// two columns whose names are one in SQL.
[[nodiscard]] Result<std::string> StoredColumns(const std::vector<Inspection::Column>& columns);

// A text as DuckDB reads it: 'it''s' and "a ""b""".
[[nodiscard]] std::string Literal(const std::string& text);
[[nodiscard]] std::string Identifier(const std::string& text);
// A name as SQL compares it: ASCII letters are folded.
[[nodiscard]] std::string FoldedName(std::string name);

}  // namespace penstock::query
