// The files of a snapshot, by its manifests. Blocks.
#pragma once

#include <string>
#include <vector>

#include "components/ingest/lake/table.h"
#include "operator/base/json_fwd.h"

namespace penstock::ingest {

struct SnapshotFiles {
  Place& place;
  std::string location;  // the table's folder, as its metadata says it
  const std::vector<TableColumn>& columns;
  const Json& specs;  // the metadata's partition-specs
};

// Of a manifest list, as the snapshot names it. Each file has the rows that position deletes take
// out of it. Invalid, by name, for equality deletes and files that are no Parquet.
[[nodiscard]] Result<std::vector<TableFile>> FilesOfSnapshot(const SnapshotFiles& table,
                                                             const std::string& manifest_list);

}  // namespace penstock::ingest
