// The columns of an Iceberg table (iceberg.apache.org/spec, "Schemas and Data Types"), and values
// of its partitions. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/ingest/lake/table.h"
#include "operator/base/json_fwd.h"

namespace penstock::ingest {

// `name_mapping`: the property schema.name-mapping.default, by which files without ids are read;
// may be empty. Invalid names the column whose type is not known.
[[nodiscard]] Result<std::vector<TableColumn>> IcebergColumns(const Json& schema,
                                                              const std::string& name_mapping);

// A partition's value as a manifest has it, in the column's stored type; null for null.
[[nodiscard]] Result<std::shared_ptr<arrow::Scalar>> IcebergValue(const Json& value,
                                                                  const TableColumn& column);

}  // namespace penstock::ingest
