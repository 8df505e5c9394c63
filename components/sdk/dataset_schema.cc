// What a dataset says of its columns.
#include <filesystem>

#include "components/sdk/dataset.h"
#include "operator/base/try.h"

namespace penstock::sdk {

Result<Schema> DatasetSchema(const std::string& path) {
  PENSTOCK_ASSIGN(auto reader, DatasetReader::Open(path));
  Schema schema = SchemaOf(*reader->source_schema());
  const std::string file = (std::filesystem::path(path) / kSchemaYaml).string();
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return schema;
  PENSTOCK_ASSIGN(const Schema described, LoadSchema(file));
  CarryOver(described, Carry::kAll, schema);
  return schema;
}

Result<std::string> LabelColumn(const std::string& named, const std::string& dataset) {
  if (!named.empty()) return named;
  PENSTOCK_ASSIGN(const Schema schema, DatasetSchema(dataset));
  return schema.Of(Role::kLabel).empty() ? std::string() : TheColumnOf(schema, Role::kLabel);
}

}  // namespace penstock::sdk
