// Whether a value is as a JSON Schema has it: the keywords that api_schemas.cc uses, and a failure
// of any other. For tests only.
#pragma once

#include <set>
#include <string>

#include "operator/base/json.h"

namespace penstock::gateway {

class SchemaCheck {
 public:
  explicit SchemaCheck(const Json& document) : document_(document) {}

  // "" or what is wrong, with its path.
  [[nodiscard]] std::string Wrong(const Json& schema, const Json& value,
                                  const std::string& path = "$") const {
    for (const auto& [keyword, unused] : schema.items())
      if (!Known().contains(keyword)) return path + ": the schema's " + keyword + " is not checked";
    if (schema.contains("$ref")) {
      const std::string pointer = schema["$ref"].get<std::string>().substr(1);
      return Wrong(document_.at(Json::json_pointer(pointer)), value, path);
    }
    if (schema.contains("type") && !IsOf(schema["type"], value))
      return path + " is no " + schema["type"].get<std::string>() + ": " + value.dump();
    if (schema.contains("enum")) {
      bool among = false;
      for (const Json& one : schema["enum"]) among = among || one == value;
      if (!among) return path + " is none of " + schema["enum"].dump() + ": " + value.dump();
    }
    if (value.is_object()) return WrongObject(schema, value, path);
    return value.is_array() ? WrongArray(schema, value, path) : "";
  }

 private:
  static const std::set<std::string>& Known() {
    static const std::set<std::string> kKnown{
        "$ref",     "type",     "enum",        "format",     "items",    "prefixItems",
        "minItems", "maxItems", "description", "properties", "required", "additionalProperties"};
    return kKnown;
  }
  static bool IsOf(const std::string& type, const Json& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == "boolean" && value.is_boolean();
  }
  std::string WrongArray(const Json& schema, const Json& value, const std::string& path) const {
    if (value.size() < schema.value("minItems", std::size_t{0}) ||
        value.size() > schema.value("maxItems", value.size()))
      return path + " has " + std::to_string(value.size()) + " items";
    const Json first = schema.value("prefixItems", Json::array());
    const Json others = schema.value("items", Json::object());
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string at = path + "[" + std::to_string(i) + "]";
      const Json& own = i < first.size() ? first[i] : others;
      if (std::string wrong = Wrong(own, value[i], at); !wrong.empty()) return wrong;
    }
    return "";
  }
  std::string WrongObject(const Json& schema, const Json& value, const std::string& path) const {
    for (const Json& name : schema.value("required", Json::array()))
      if (!value.contains(name)) return path + " lacks " + name.get<std::string>();
    const Json properties = schema.value("properties", Json::object());
    const Json others = schema.value("additionalProperties", Json(true));
    for (const auto& [name, entry] : value.items()) {
      const std::string at = path + "." + name;
      if (!properties.contains(name) && others == Json(false)) return at + " is not in the schema";
      const Json& own = properties.contains(name) ? properties[name] : others;
      if (!own.is_object()) continue;
      if (std::string wrong = Wrong(own, entry, at); !wrong.empty()) return wrong;
    }
    return "";
  }
  const Json& document_;
};

}  // namespace penstock::gateway
