// A version of a Delta table by its log (github.com/delta-io/delta, PROTOCOL.md): commits in JSON,
// checkpoints in Parquet, column mapping, deletion vectors. Blocks; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "components/ingest/lake/table.h"

namespace penstock::ingest {

struct DeltaWish {
  std::optional<std::int64_t> version;  // else the newest
  std::string table;                    // the id that the table must have; empty: any
};

// Invalid for what is no Delta table, for a version that is not there or whose commits were cleaned
// up, and, by name, for what of the protocol is not read.
[[nodiscard]] Result<TableState> OpenDelta(Place& place, const DeltaWish& wish);

}  // namespace penstock::ingest
