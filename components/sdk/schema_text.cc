// A schema's YAML: one line a column, JSON scalars.
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>

#include "components/model_format/model_artifact.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/constraints/schema_yaml.h"
#include "components/sdk/schema.h"
#include "operator/base/file.h"
#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kMaxSchemaBytes = 64U << 20;

// A value of a domain as the column's type writes it. What is no number of a number column stays
// out.
Result<Json> ParseDomainValue(const YAML::Node& node, const std::string& type) {
  if (!node.IsScalar()) return At(node, "domain: a value must be a text, a number or a boolean");
  const std::string& text = node.Scalar();
  const char* end = text.data() + text.size();
  if (type == "int64") {
    std::int64_t value = 0;
    const auto r = std::from_chars(text.data(), end, value);
    if (r.ec == std::errc() && r.ptr == end) return Json(value);
  } else if (type == "float64") {
    double value = 0;
    const auto r = std::from_chars(text.data(), end, value);
    if (r.ec == std::errc() && r.ptr == end && std::isfinite(value)) return Json(value);
  } else if (type == "bool") {
    if (text == "true" || text == "false") return Json(text == "true");
  } else if (type == "string") {
    if (IsUtf8(text)) return Json(text);
  } else {
    return At(node, "domain: a " + type + " column has none");
  }
  return At(node, "domain: '" + plan::Shown(text, 80) + "' is no " + type);
}

Result<Json> ParseDomain(const YAML::Node& node, const std::string& type) {
  if (node.IsSequence()) {
    if (node.size() == 0) return At(node, "domain: an empty list would refuse every value");
    Json values = Json::array();
    for (const auto& element : node) {
      PENSTOCK_ASSIGN(auto value, ParseDomainValue(element, type));
      values.push_back(std::move(value));
    }
    return values;
  }
  if (!node.IsMap() || node.size() == 0) {
    return At(node, "domain must be a list of values, or {minimum: ..., maximum: ...}");
  }
  if (type != "int64" && type != "float64") {
    return At(node, "domain: minimum and maximum are for int64 and float64");
  }
  PENSTOCK_TRY(CheckKeys(node, {"minimum", "maximum"}));
  Json domain = Json::object();
  for (const auto& entry : node) {
    PENSTOCK_ASSIGN(domain[entry.first.Scalar()], ParseDomainValue(entry.second, type));
  }
  return domain;
}

Result<SchemaColumn> ParseSchemaColumn(const YAML::Node& node) {
  if (!node.IsMap()) return At(node, "a column must be a mapping such as {name: x, type: int64}");
  static const std::vector<std::string> kKeys = [] {
    std::vector<std::string> keys = {"name", "type", "nullable", "unit", "role", "domain"};
    keys.insert(keys.end(), ConstraintKeys().begin(), ConstraintKeys().end());
    return keys;
  }();
  PENSTOCK_TRY(CheckKeys(node, kKeys));
  SchemaColumn column;
  for (const char* key : {"name", "type"}) {
    if (!node[key]) return At(node, std::string(key) + " is missing");
  }
  PENSTOCK_ASSIGN(column.name, TextOf(node, "name"));
  if (column.name.empty()) return At(node, "name is empty");
  PENSTOCK_ASSIGN(const auto type, TextOf(node, "type"));
  const auto parsed = ParseTypeText(type);
  if (!parsed) return At(node["type"], "column '" + column.name + "': " + parsed.error().message);
  column.type = TypeText(**parsed);
  if (node["nullable"]) {
    PENSTOCK_ASSIGN(const auto text, TextOf(node, "nullable"));
    if (text != "true" && text != "false") {
      return At(node["nullable"], "nullable must be true or false");
    }
    column.nullable = text == "true";
  }
  if (node["unit"]) {
    PENSTOCK_ASSIGN(column.unit, TextOf(node, "unit"));
  }
  if (node["role"]) {
    PENSTOCK_ASSIGN(const auto text, TextOf(node, "role"));
    const auto role = ParseRole(text);
    if (!role) {
      std::string all;
      for (const auto& name : RoleNames()) all += (all.empty() ? "" : ", ") + name;
      return At(node["role"], "role '" + plan::Shown(text, 80) + "' is none of " + all +
                                  DidYouMean(text, RoleNames()));
    }
    column.role = *role;
  }
  if (node["domain"]) {
    PENSTOCK_ASSIGN(column.domain, ParseDomain(node["domain"], column.type));
  }
  PENSTOCK_ASSIGN(column.constraints,
                  ParseConstraints(node, column.type, !column.domain.is_null()));
  return column;
}

// The environments that columns name are those of the schema.
Result<void> CheckEnvironments(const YAML::Node& node, const Constraints& c,
                               const std::vector<std::string>& known) {
  for (const auto* names : {&c.environments, &c.not_in}) {
    for (const auto& name : *names) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      return At(node, "environment '" + plan::Shown(name, 80) +
                          "' is none of the schema's environments" + DidYouMean(name, known));
    }
  }
  return {};
}

Result<Schema> ParseDocument(const YAML::Node& root) {
  if (!root.IsMap()) return Invalid("must be a mapping of version and columns");
  PENSTOCK_TRY(CheckKeys(root, {"version", "columns", "environments", "rows"}));
  if (!root["version"] || !root["version"].IsScalar() || root["version"].Scalar() != "1") {
    return Invalid("version must be 1; this program is older than the schema, or it is none");
  }
  if (!root["columns"] || !root["columns"].IsSequence() || root["columns"].size() == 0) {
    return Invalid("columns must be a list of at least one column");
  }
  Schema schema;
  if (root["environments"]) {
    PENSTOCK_ASSIGN(schema.environments, ParseNames(root, "environments"));
  }
  if (root["rows"]) {
    PENSTOCK_ASSIGN(schema.rows, ParseRowConstraints(root["rows"]));
  }
  std::set<std::string> names;
  for (const auto& node : root["columns"]) {
    PENSTOCK_ASSIGN(auto column, ParseSchemaColumn(node));
    PENSTOCK_TRY(CheckEnvironments(node, column.constraints, schema.environments));
    if (!names.insert(column.name).second) {
      return At(node, "column '" + column.name + "' stands twice");
    }
    schema.columns.push_back(std::move(column));
  }
  return schema;
}

Result<Schema> LoadFromFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / kSchemaYaml, error)) {
    return LoadSchema((folder / kSchemaYaml).string());
  }
  if (std::filesystem::exists(folder / kModelFile, error)) {
    PENSTOCK_ASSIGN(const auto manifest, LoadModelManifest(folder.string()));
    return SchemaOf(manifest);
  }
  return NotFound(folder.string() + ": has neither _schema.yaml nor model.yaml, so no schema");
}

}  // namespace

std::string FormatSchema(const Schema& schema) {
  std::ostringstream out;
  out << "version: " << kSchemaVersion << "\n";
  if (!schema.environments.empty()) {
    out << "environments: " << Json(schema.environments).dump() << "\n";
  }
  if (schema.rows.IsGiven()) out << "rows: " << ToJson(schema.rows).dump() << "\n";
  out << "columns:\n";
  for (const auto& c : schema.columns) {
    const bool plain = c.type.find(',') == std::string::npos;
    out << "- {name: " << Json(c.name).dump()
        << ", type: " << (plain ? c.type : Json(c.type).dump())
        << ", nullable: " << (c.nullable ? "true" : "false") << ", role: " << Name(c.role);
    if (!c.unit.empty()) out << ", unit: " << Json(c.unit).dump();
    if (!c.domain.is_null()) out << ", domain: " << c.domain.dump();
    const Json constraints = ToJson(c.constraints);
    for (const auto& [key, value] : constraints.items()) {
      out << ", " << key << ": " << value.dump();
    }
    out << "}\n";
  }
  return out.str();
}

Result<Schema> ParseSchema(const std::string& yaml, const std::string& what) {
  try {
    auto schema = ParseDocument(YAML::Load(yaml));
    if (!schema) return Wrap(what, schema.error());
    return schema;
  } catch (const YAML::Exception& e) {
    return Invalid(what + ": " + e.what());
  }
}

Result<Schema> LoadSchema(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return LoadFromFolder(path);
  PENSTOCK_ASSIGN(const auto text, ReadFile(path, kMaxSchemaBytes));
  return ParseSchema(text, path);
}

Result<void> SaveSchema(const std::string& path, const Schema& schema) {
  return WriteFileAtomically(path, FormatSchema(schema));
}

}  // namespace penstock::sdk
