#include "components/sdk/schema.h"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "components/model_format/model_artifact.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/dataset.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::array<const char*, 8> kRoleNames = {"feature", "label", "id",        "weight",
                                                   "group",   "time",  "protected", "ignored"};

Json DomainOf(const InputBounds& bounds, ColumnType type) {
  const auto number = [&](double value) {
    const auto whole = static_cast<std::int64_t>(value);
    return type == ColumnType::kInt64 && double(whole) == value ? Json(whole) : Json(value);
  };
  Json domain;
  if (bounds.minimum) domain["minimum"] = number(*bounds.minimum);
  if (bounds.maximum) domain["maximum"] = number(*bounds.maximum);
  return domain;
}

}  // namespace

const char* Name(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

std::optional<Role> ParseRole(std::string_view name) {
  for (std::size_t i = 0; i < kRoleNames.size(); ++i) {
    if (name == kRoleNames[i]) return static_cast<Role>(i);
  }
  return std::nullopt;
}

const std::vector<std::string>& RoleNames() {
  static const std::vector<std::string> kNames(kRoleNames.begin(), kRoleNames.end());
  return kNames;
}

const SchemaColumn* Schema::Find(const std::string& name) const {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const SchemaColumn& c) { return c.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

std::vector<std::string> Schema::Names() const {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(column.name);
  return names;
}

std::vector<std::string> Schema::Of(Role role) const {
  std::vector<std::string> names;
  for (const auto& column : columns) {
    if (column.role == role) names.push_back(column.name);
  }
  return names;
}

Result<std::string> TheColumnOf(const Schema& schema, Role role) {
  const auto names = schema.Of(role);
  if (names.size() == 1) return names.front();
  if (names.empty()) {
    return NotFound(std::string("no column has the role ") + Name(role) + " in the schema");
  }
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "'" : ", '") + name + "'";
  return Invalid("the columns " + list + " all have the role " + Name(role) +
                 " in the schema; name one as a parameter");
}

Schema SchemaOf(const arrow::Schema& schema) {
  Schema out;
  for (const auto& field : schema.fields()) {
    const auto stored = StoredType(field->type());
    out.columns.push_back(
        {.name = field->name(), .type = TypeText(stored == nullptr ? *field->type() : *stored)});
  }
  return out;
}

std::shared_ptr<arrow::Schema> ArrowSchemaOf(const Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& column : schema.columns) {
    // Types of a schema were checked when it was read.
    fields.push_back(arrow::field(column.name, ParseTypeText(column.type).value()));
  }
  return arrow::schema(std::move(fields));
}

Schema SchemaOf(const ModelManifest& manifest) {
  Schema out;
  for (const auto& input : manifest.inputs) {
    SchemaColumn column{.name = input.name, .type = Name(input.type), .nullable = input.nullable};
    const auto bounds = manifest.bounds.find(input.name);
    if (bounds != manifest.bounds.end()) column.domain = DomainOf(bounds->second, input.type);
    out.columns.push_back(std::move(column));
  }
  return out;
}

void CarryOver(const Schema& from, Carry what, Schema& to) {
  for (auto& column : to.columns) {
    const SchemaColumn* source = from.Find(column.name);
    if (source == nullptr || source->type != column.type) continue;
    column.role = source->role;
    if (what == Carry::kRole) continue;
    column.unit = source->unit;
    column.domain = source->domain;
    column.constraints = source->constraints;
    if (what == Carry::kAll) {
      column.nullable = source->nullable;
      continue;
    }
    column.constraints.presence_fraction.reset();
    column.constraints.presence_count.reset();
    column.constraints.distinct = {};
  }
  if (what != Carry::kRole) to.environments = from.environments;
}

Json ToJson(const Schema& schema) {
  Json columns = Json::array();
  for (const auto& column : schema.columns) {
    Json j = {{"name", column.name},
              {"type", column.type},
              {"nullable", column.nullable},
              {"role", Name(column.role)}};
    if (!column.unit.empty()) j["unit"] = column.unit;
    if (!column.domain.is_null()) j["domain"] = column.domain;
    j.update(ToJson(column.constraints));
    columns.push_back(std::move(j));
  }
  Json json = {{"version", kSchemaVersion}, {"columns", std::move(columns)}};
  if (!schema.environments.empty()) json["environments"] = schema.environments;
  if (schema.rows.IsGiven()) json["rows"] = ToJson(schema.rows);
  return json;
}

std::string SchemaDigest(const Schema& schema) {
  return "sha256:" + Sha256Hex(CanonicalJson(ToJson(schema)));
}

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
