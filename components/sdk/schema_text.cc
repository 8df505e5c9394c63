// A schema's YAML: one line a column, JSON scalars.
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>
#include <sstream>

#include "components/model_format/model_artifact.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/schema.h"
#include "operator/base/file.h"
#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kMaxSchemaBytes = 64U << 20;

std::string LineOf(const YAML::Node& node) {
  return "line " + std::to_string(node.Mark().line + 1) + ": ";
}

Error At(const YAML::Node& node, const std::string& problem) {
  return Invalid(LineOf(node) + problem);
}

// The keys of a mapping, each known and there once.
Result<void> CheckKeys(const YAML::Node& map, const std::vector<std::string>& known) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return At(entry.first, "'" + plan::Shown(key, 80) + "' is unknown" + DidYouMean(key, known));
    }
    if (!seen.insert(key).second) return At(entry.first, "'" + key + "' stands twice");
  }
  return {};
}

Result<std::string> TextOf(const YAML::Node& map, const char* key) {
  const YAML::Node node = map[key];
  if (!node.IsScalar()) return At(node, std::string(key) + " must be a text");
  if (!IsUtf8(node.Scalar())) return At(node, std::string(key) + " is no UTF-8");
  return node.Scalar();
}

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
  PENSTOCK_TRY(CheckKeys(node, {"name", "type", "nullable", "unit", "role", "domain"}));
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
  return column;
}

Result<Schema> ParseDocument(const YAML::Node& root) {
  if (!root.IsMap()) return Invalid("must be a mapping of version and columns");
  PENSTOCK_TRY(CheckKeys(root, {"version", "columns"}));
  if (!root["version"] || !root["version"].IsScalar() || root["version"].Scalar() != "1") {
    return Invalid("version must be 1; this program is older than the schema, or it is none");
  }
  if (!root["columns"] || !root["columns"].IsSequence() || root["columns"].size() == 0) {
    return Invalid("columns must be a list of at least one column");
  }
  Schema schema;
  std::set<std::string> names;
  for (const auto& node : root["columns"]) {
    PENSTOCK_ASSIGN(auto column, ParseSchemaColumn(node));
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
  out << "version: " << kSchemaVersion << "\ncolumns:\n";
  for (const auto& c : schema.columns) {
    const bool plain = c.type.find(',') == std::string::npos;
    out << "- {name: " << Json(c.name).dump()
        << ", type: " << (plain ? c.type : Json(c.type).dump())
        << ", nullable: " << (c.nullable ? "true" : "false") << ", role: " << Name(c.role);
    if (!c.unit.empty()) out << ", unit: " << Json(c.unit).dump();
    if (!c.domain.is_null()) out << ", domain: " << c.domain.dump();
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
