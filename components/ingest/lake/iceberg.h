// A snapshot of an Iceberg table (iceberg.apache.org/spec, format versions 1 and 2): its metadata
// file, manifest list and manifests, position deletes. Blocks; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "components/ingest/lake/table.h"

namespace penstock::ingest {

struct IcebergWish {
  std::string metadata;                  // within the table's folder; empty: by version-hint.text
  std::optional<std::int64_t> snapshot;  // else the current one
};

// s3://bucket/orders/metadata/00003-x.metadata.json is that file of the table s3://bucket/orders;
// `place` becomes the latter. Gives the file within it, or "" for the URI of a folder.
[[nodiscard]] std::string MetadataOf(std::string& place);

// Invalid for what is no Iceberg table, for a snapshot that is not there, for a folder that does
// not say which of its metadata files holds, and, by name, for what of the format is not read.
[[nodiscard]] Result<TableState> OpenIceberg(Place& place, const IcebergWish& wish);

}  // namespace penstock::ingest
