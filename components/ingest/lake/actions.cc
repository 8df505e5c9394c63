#include "components/ingest/lake/actions.h"

#include <arrow/api.h>

#include "components/ingest/parts/part.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

Json ValueOf(const arrow::Array& array, std::int64_t row);

Json StructOf(const arrow::StructArray& array, std::int64_t row) {
  Json out = Json::object();
  for (int i = 0; i < array.num_fields(); ++i) {
    Json value = ValueOf(*array.field(i), row);
    if (!value.is_null()) out[array.struct_type()->field(i)->name()] = std::move(value);
  }
  return out;
}

Json MapOf(const arrow::MapArray& array, std::int64_t row) {
  Json out = Json::object();
  for (std::int64_t i = array.value_offset(row); i < array.value_offset(row + 1); ++i) {
    const Json key = ValueOf(*array.keys(), i);
    if (key.is_string()) out[key.get<std::string>()] = ValueOf(*array.items(), i);
  }
  return out;
}

Json ListOf(const arrow::ListArray& array, std::int64_t row) {
  Json out = Json::array();
  for (std::int64_t i = array.value_offset(row); i < array.value_offset(row + 1); ++i)
    out.push_back(ValueOf(*array.values(), i));
  return out;
}

Json ValueOf(const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return nullptr;
  switch (array.type_id()) {
    case arrow::Type::STRING:
      return std::string(static_cast<const arrow::StringArray&>(array).GetView(row));
    case arrow::Type::LARGE_STRING:
      return std::string(static_cast<const arrow::LargeStringArray&>(array).GetView(row));
    case arrow::Type::INT64:
      return static_cast<const arrow::Int64Array&>(array).Value(row);
    case arrow::Type::INT32:
      return static_cast<const arrow::Int32Array&>(array).Value(row);
    case arrow::Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case arrow::Type::STRUCT:
      return StructOf(static_cast<const arrow::StructArray&>(array), row);
    case arrow::Type::MAP:
      return MapOf(static_cast<const arrow::MapArray&>(array), row);
    case arrow::Type::LIST:
      return ListOf(static_cast<const arrow::ListArray&>(array), row);
    default:
      return nullptr;
  }
}

}  // namespace

Result<void> ReadRecords(const std::filesystem::path& path, const std::vector<std::string>& columns,
                         const OnRecord& on_record) {
  PENSTOCK_ASSIGN(const auto part, OpenParquet(path));
  std::vector<std::string> there;
  for (const auto& name : columns)
    if (part->schema()->GetFieldIndex(name) >= 0) there.push_back(name);
  if (there.empty()) return Invalid("has none of the columns that are looked for");
  PENSTOCK_TRY(part->Choose(there));
  for (;;) {
    PENSTOCK_ASSIGN(const auto batch, part->Next());
    if (batch == nullptr) return {};
    for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
      Json record = Json::object();
      for (int i = 0; i < batch->num_columns(); ++i) {
        Json value = ValueOf(*batch->column(i), row);
        if (!value.is_null()) record[batch->column_name(i)] = std::move(value);
      }
      PENSTOCK_TRY(on_record(record));
    }
  }
}

}  // namespace penstock::ingest
