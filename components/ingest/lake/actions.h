// What of a Parquet file of JSON-like records (a checkpoint of Delta) is needed, as JSON. Blocks.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::ingest {

// Each row as an object of those of `columns` that the file has: texts, numbers, booleans, lists,
// structs and maps with keys of text (objects). A field that is null, or of a type that JSON does
// not have, is left out. Invalid for a file that is no Parquet.
using OnRecord = std::function<Result<void>(const Json&)>;
[[nodiscard]] Result<void> ReadRecords(const std::filesystem::path& path,
                                       const std::vector<std::string>& columns,
                                       const OnRecord& on_record);

}  // namespace penstock::ingest
