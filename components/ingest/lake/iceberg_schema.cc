#include "components/ingest/lake/iceberg_schema.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>

#include <charconv>

#include "components/sdk/arrow_result.h"
#include "components/sdk/arrow_types.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int kDeepestType = 32;

// The number that begins `text`, behind which stands `end`; -1 for none.
int NumberBefore(std::string_view& text, char end) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  int value = -1;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return -1;
  text.remove_prefix(std::size_t(read.ptr - text.data()));
  if (!text.starts_with(end)) return -1;
  text.remove_prefix(1);
  return value;
}

// decimal(10, 2) and fixed[16]; null for anything else.
TypePtr TypeWithNumbers(const std::string& name) {
  std::string_view rest = name;
  if (name.starts_with("decimal(")) {
    rest.remove_prefix(8);
    const int precision = NumberBefore(rest, ',');
    const int scale = NumberBefore(rest, ')');
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) return nullptr;
    return arrow::decimal128(precision, scale);
  }
  if (!name.starts_with("fixed[")) return nullptr;
  rest.remove_prefix(6);
  const int width = NumberBefore(rest, ']');
  return width < 1 ? nullptr : arrow::fixed_size_binary(width);
}

TypePtr NamedType(const std::string& name) {
  if (name == "boolean") return arrow::boolean();
  if (name == "int") return arrow::int32();
  if (name == "long") return arrow::int64();
  if (name == "float") return arrow::float32();
  if (name == "double") return arrow::float64();
  if (name == "date") return arrow::date32();
  if (name == "time") return arrow::time64(arrow::TimeUnit::MICRO);
  if (name == "timestamp") return arrow::timestamp(arrow::TimeUnit::MICRO);
  if (name == "timestamptz") return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  if (name == "string" || name == "uuid") return arrow::utf8();
  if (name == "binary") return arrow::binary();
  return TypeWithNumbers(name);
}

Result<TypePtr> IcebergType(const Json& type, int depth) {
  if (depth > kDeepestType) return Invalid("is nested too deeply");
  if (type.is_string()) {
    if (TypePtr named = NamedType(type.get<std::string>()); named != nullptr) return named;
  }
  const std::string kind = TextAt(type, "type");
  if (kind == "struct") {
    arrow::FieldVector fields;
    for (const auto& field : Member(type, "fields")) {
      PENSTOCK_ASSIGN(auto inner, IcebergType(Member(field, "type"), depth + 1));
      fields.push_back(arrow::field(TextAt(field, "name"), std::move(inner)));
    }
    return arrow::struct_(fields);
  }
  if (kind == "list") {
    PENSTOCK_ASSIGN(const auto element, IcebergType(Member(type, "element"), depth + 1));
    return arrow::list(element);
  }
  if (kind == "map") {
    PENSTOCK_ASSIGN(const auto key, IcebergType(Member(type, "key"), depth + 1));
    PENSTOCK_ASSIGN(const auto value, IcebergType(Member(type, "value"), depth + 1));
    return arrow::map(key, value);
  }
  return Invalid("is of a type that is not known here: " + plan::Shown(type.dump(), 80));
}

Result<TableColumn> IcebergColumn(const Json& field, const Json& mapping) {
  TableColumn column;
  column.name = TextAt(field, "name");
  const Json& id = Member(field, "id");
  if (!IsInt64(id) || id.get<std::int64_t>() < 1 || id.get<std::int64_t>() > INT32_MAX)
    return Invalid("has no id");
  column.id = id.get<std::int32_t>();
  PENSTOCK_ASSIGN(column.type, IcebergType(Member(field, "type"), 0));
  column.uuid = Member(field, "type") == "uuid";
  if (!mapping.is_array()) return column;
  for (const auto& entry : mapping) {
    if (Member(entry, "field-id") != id) continue;
    for (const auto& name : Member(entry, "names"))
      if (name.is_string()) column.file_names.push_back(name.get<std::string>());
  }
  // One that the mapping leaves out is in no such file.
  if (column.file_names.empty()) column.file_names.emplace_back();
  return column;
}

// In the type that the table says.
arrow::Result<std::shared_ptr<arrow::Scalar>> ScalarOf(const Json& value, const TypePtr& type) {
  const auto bytes = [&] {
    return arrow::Buffer::FromString(value.is_string() ? value.get<std::string>() : "");
  };
  switch (type->id()) {
    case arrow::Type::BOOL:
      if (value.is_boolean()) return arrow::MakeScalar(type, value.get<bool>());
      break;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      if (value.is_number()) return arrow::MakeScalar(type, value.get<double>());
      break;
    case arrow::Type::STRING:
      if (value.is_string()) return std::make_shared<arrow::StringScalar>(bytes());
      break;
    case arrow::Type::BINARY:
      if (value.is_string()) return std::make_shared<arrow::BinaryScalar>(bytes());
      break;
    case arrow::Type::FIXED_SIZE_BINARY:
      if (value.is_string() &&
          std::int32_t(value.get_ref<const std::string&>().size()) ==
              static_cast<const arrow::FixedSizeBinaryType&>(*type).byte_width())
        return std::make_shared<arrow::FixedSizeBinaryScalar>(bytes(), type);
      break;
    case arrow::Type::DECIMAL128:
      if (value.is_string()) {
        const auto raw = bytes();
        ARROW_ASSIGN_OR_RAISE(const auto number, arrow::Decimal128::FromBigEndian(
                                                     raw->data(), std::int32_t(raw->size())));
        return std::make_shared<arrow::Decimal128Scalar>(number, type);
      }
      break;
    default:
      if (IsInt64(value)) return arrow::MakeScalar(type, value.get<std::int64_t>());
  }
  return arrow::Status::Invalid("a partition's value is no ", type->ToString());
}

std::string UuidText(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[static_cast<unsigned char>(bytes[i]) >> 4U];
    out += kDigits[static_cast<unsigned char>(bytes[i]) & 15U];
  }
  return out;
}

}  // namespace

Result<std::vector<TableColumn>> IcebergColumns(const Json& schema,
                                                const std::string& name_mapping) {
  if (!Member(schema, "fields").is_array()) return Invalid("the table's schema has no fields");
  Json mapping;
  if (!name_mapping.empty()) {
    PENSTOCK_ASSIGN(mapping, ParseJson(name_mapping, "schema.name-mapping.default"));
  }
  std::vector<TableColumn> columns;
  for (const auto& field : Member(schema, "fields")) {
    auto column = IcebergColumn(field, mapping);
    if (!column)
      return Wrap("column '" + plan::Shown(TextAt(field, "name"), 120) + "'", column.error());
    columns.push_back(*std::move(column));
  }
  return columns;
}

Result<std::shared_ptr<arrow::Scalar>> IcebergValue(const Json& value, const TableColumn& column) {
  if (value.is_null()) return std::shared_ptr<arrow::Scalar>();
  const std::string what = "the partition '" + plan::Shown(column.name, 120) + "'";
  Json plain = value;
  if (column.uuid && value.is_string()) plain = UuidText(value.get<std::string>());
  PENSTOCK_ASSIGN(const auto scalar, sdk::FromArrow(ScalarOf(plain, column.type), what));
  PENSTOCK_ASSIGN(const auto array, sdk::FromArrow(arrow::MakeArrayFromScalar(*scalar, 1), what));
  const TypePtr stored = sdk::StoredType(column.type);
  if (stored == nullptr) return Invalid(what + " is a nested column");
  PENSTOCK_ASSIGN(const auto kept, sdk::ToStored(array, stored, 1));
  return sdk::FromArrow(kept->GetScalar(0), what);
}

}  // namespace penstock::ingest
