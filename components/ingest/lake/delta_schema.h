// The columns of a Delta table, as its log writes them (PROTOCOL.md, "Schema Serialization
// Format"). Pure.
#pragma once

#include <string>
#include <vector>

#include "components/ingest/lake/table.h"
#include "operator/base/json_fwd.h"

namespace penstock::ingest {

enum class ColumnMapping : std::uint8_t { kNone, kByName, kById };

// Invalid names the column whose type is not known.
[[nodiscard]] Result<std::vector<TableColumn>> DeltaColumns(const std::string& schema_text,
                                                            ColumnMapping mapping);

}  // namespace penstock::ingest
