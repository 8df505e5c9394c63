// A table of a lake (lake/) into the dataset.
#pragma once

#include <filesystem>
#include <string>

#include "components/ingest/lake/table.h"
#include "components/ingest/parts/sink.h"

namespace penstock::ingest {

// The table that a URI names (protocol/table_uri.h), all its rows; `sink` is not finished. Fetched
// files lie in `scratch`, one at a time, and above `max_bytes` together are Invalid.
[[nodiscard]] Result<TableState> ReadTableInto(const std::string& uri,
                                               const std::filesystem::path& scratch,
                                               std::uint64_t max_bytes, const Wishes& wishes,
                                               Sink& sink);

}  // namespace penstock::ingest
