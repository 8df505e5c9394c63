// What a Delta table's log says of one version: its files, metadata and protocol. Blocks.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "components/ingest/lake/place.h"
#include "operator/base/json.h"

namespace penstock::ingest {

struct DeltaLog {
  std::int64_t version = 0;
  Json protocol;
  Json metadata;
  // What is needed of the actions `add` that hold, by path and deletion vector; of their
  // statistics numRecords alone.
  std::map<std::string, Json> files;
};

// `version`: else the newest that the log has.
[[nodiscard]] Result<DeltaLog> ReadDeltaLog(Place& place, std::optional<std::int64_t> version);

}  // namespace penstock::ingest
