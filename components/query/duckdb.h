// DuckDB as a child program: one SELECT over the inputs, into one Parquet file.
//
// The user's text is passed as a literal to DuckDB's query(), which takes a single SELECT, after
// file access, extensions and settings were locked: it sees its inputs and nothing else.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "components/query/inspect.h"
#include "operator/base/result.h"

namespace penstock::query {

struct QueryView {
  std::string name;
  std::vector<std::string> parts;    // Parquet files, united by the names of their columns
  std::vector<std::string> floats;   // columns in which NaN is null
  std::vector<std::string> untyped;  // columns that have a type in no part
};

struct QueryPlan {
  std::string sql;
  std::vector<QueryView> views;
  std::string stored_columns = "*";  // StoredColumns of the text
  std::string output_file;
  std::string temporary_folder;  // for spilling; exists
  std::string memory_limit;      // "1500MiB"
  int threads = 1;
  std::optional<std::chrono::seconds> limit;  // of what the text does
};

// What runs before the user's text, and the whole. Pure.
[[nodiscard]] std::string SetupScript(const QueryPlan& plan);
[[nodiscard]] std::string QueryScript(const QueryPlan& plan);

// PENSTOCK_DUCKDB, beside this program, in PATH, or where tools/install-deps put it. NotFound says
// so.
[[nodiscard]] Result<std::string> FindDuckdb();

// Asks DuckDB what the text would do, and runs nothing of it. Errors as of RunQueryPlan.
[[nodiscard]] Result<Inspection> Inspect(const std::string& duckdb, const QueryPlan& plan);

// Invalid has DuckDB's message in one line, with line and column in the user's text where known.
[[nodiscard]] Result<void> RunQueryPlan(const std::string& duckdb, const QueryPlan& plan);

// DuckDB's standard error as one line; "LINE 2: SELECT x" with its caret becomes "(line 2, column
// 8)". `first_line`: the line of DuckDB's text on which the user's text begins.
[[nodiscard]] std::string SummariseError(const std::string& text, int first_line);

}  // namespace penstock::query
