#include "components/ingest/lake/delta_schema.h"

#include <arrow/api.h>

#include <charconv>

#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int kDeepest = 32;

// "decimal(10,2)"; null for anything else.
TypePtr DecimalFrom(const std::string& text) {
  if (!text.starts_with("decimal(") || !text.ends_with(')')) return nullptr;
  const auto comma = text.find(',');
  if (comma == std::string::npos) return nullptr;
  const auto number = [](std::string part) {
    std::erase(part, ' ');
    int value = -1;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), value);
    return read.ec == std::errc() && read.ptr == part.data() + part.size() ? value : -1;
  };
  const int precision = number(text.substr(8, comma - 8));
  const int scale = number(text.substr(comma + 1, text.size() - comma - 2));
  if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return nullptr;
  return arrow::decimal128(precision, scale);
}

TypePtr PlainType(const std::string& name) {
  if (name == "string") return arrow::utf8();
  if (name == "long") return arrow::int64();
  if (name == "integer") return arrow::int32();
  if (name == "short") return arrow::int16();
  if (name == "byte") return arrow::int8();
  if (name == "float") return arrow::float32();
  if (name == "double") return arrow::float64();
  if (name == "boolean") return arrow::boolean();
  if (name == "binary") return arrow::binary();
  if (name == "date") return arrow::date32();
  if (name == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  if (name == "timestamp_ntz") return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (name == "void") return arrow::null();
  return DecimalFrom(name);
}

Result<TypePtr> TypeFrom(const Json& type, int depth);

Result<TypePtr> StructFrom(const Json& type, int depth) {
  arrow::FieldVector fields;
  for (const auto& field : Member(type, "fields")) {
    PENSTOCK_ASSIGN(auto inner, TypeFrom(Member(field, "type"), depth + 1));
    fields.push_back(arrow::field(TextAt(field, "name"), std::move(inner)));
  }
  return arrow::struct_(fields);
}

Result<TypePtr> TypeFrom(const Json& type, int depth) {
  if (depth > kDeepest) return Invalid("is nested too deeply");
  if (type.is_string()) {
    if (TypePtr plain = PlainType(type.get<std::string>()); plain != nullptr) return plain;
  }
  const std::string kind = TextAt(type, "type");
  if (kind == "struct") return StructFrom(type, depth);
  if (kind == "array") {
    PENSTOCK_ASSIGN(const auto element, TypeFrom(Member(type, "elementType"), depth + 1));
    return arrow::list(element);
  }
  if (kind == "map") {
    PENSTOCK_ASSIGN(const auto key, TypeFrom(Member(type, "keyType"), depth + 1));
    PENSTOCK_ASSIGN(const auto value, TypeFrom(Member(type, "valueType"), depth + 1));
    return arrow::map(key, value);
  }
  return Invalid("is of a type that is not known here: " + plan::Shown(type.dump(), 80));
}

Result<TableColumn> ColumnFrom(const Json& field, ColumnMapping mapping) {
  TableColumn column;
  column.name = TextAt(field, "name");
  PENSTOCK_ASSIGN(column.type, TypeFrom(Member(field, "type"), 0));
  if (mapping == ColumnMapping::kNone) {
    column.file_names = {column.name};
    return column;
  }
  const Json& metadata = Member(field, "metadata");
  const std::string physical = TextAt(metadata, "delta.columnMapping.physicalName");
  const Json& id = Member(metadata, "delta.columnMapping.id");
  if (physical.empty() || !IsInt64(id) || id.get<std::int64_t>() < 1 ||
      id.get<std::int64_t>() > INT32_MAX)
    return Invalid("has no delta.columnMapping.physicalName and id, and the table maps columns");
  // By name the physical one says it; the id is what tells columns apart where files have ids.
  if (mapping == ColumnMapping::kById) column.id = id.get<std::int32_t>();
  column.file_names = {physical};
  return column;
}

}  // namespace

Result<std::vector<TableColumn>> DeltaColumns(const std::string& schema_text,
                                              ColumnMapping mapping) {
  PENSTOCK_ASSIGN(const Json schema, ParseJson(schema_text, "the table's schemaString"));
  if (!Member(schema, "fields").is_array())
    return Invalid("the table's schemaString has no fields");
  std::vector<TableColumn> columns;
  for (const auto& field : Member(schema, "fields")) {
    auto column = ColumnFrom(field, mapping);
    if (!column)
      return Wrap("column '" + plan::Shown(TextAt(field, "name"), 120) + "'", column.error());
    columns.push_back(*std::move(column));
  }
  return columns;
}

}  // namespace penstock::ingest
