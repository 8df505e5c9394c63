// One SELECT over datasets, as `query` runs it: what another component asks of the same engine.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "operator/base/result.h"

namespace penstock::query {

using Datasets = std::map<std::string, std::string>;  // the view's name -> a dataset

// Writes part-00000.parquet into the folder (made where it is not there) and gives its path.
// Invalid has DuckDB's message with line and column, or what the text may not do (query's
// component.yaml), or that it took longer than `limit`.
[[nodiscard]] Result<std::string> RunSql(const std::string& sql, const Datasets& datasets,
                                         const std::string& folder,
                                         std::optional<std::chrono::seconds> limit = {});

}  // namespace penstock::query
