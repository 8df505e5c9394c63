// The output forms that are no tables: JSON, and YAML that is read back as the same JSON.
#include <yaml-cpp/yaml.h>

#include "operator/base/json.h"
#include "operator/cli/objects/object_table.h"

namespace penstock::cli {
namespace {

// True when plain text would be read as something else than this string.
bool NeedsQuotes(const std::string& text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return true;
  try {
    const YAML::Node node = YAML::Load(text);
    if (!node.IsScalar() || node.Scalar() != text) return true;
  } catch (const YAML::Exception&) {
    return true;
  }
  if (text.find_first_of("\t\r\x7f") != std::string::npos) return true;
  // Numbers, booleans and nulls of YAML 1.1 all begin so or are such a word.
  static const char* const kWords[] = {"null",  "Null",  "NULL",  "~",   "true", "True", "TRUE",
                                       "false", "False", "FALSE", "yes", "Yes",  "YES",  "no",
                                       "No",    "NO",    "on",    "On",  "ON",   "off",  "Off",
                                       "OFF",   "y",     "Y",     "n",   "N",    "=",    "<<"};
  for (const char* word : kWords) {
    if (text == word) return true;
  }
  return text.find_first_of("0123456789.+-") == 0;
}

void Emit(YAML::Emitter& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      if (value.empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& [key, entry] : value.items()) {
        out << YAML::Key;
        if (NeedsQuotes(key)) out << YAML::DoubleQuoted;
        out << key << YAML::Value;
        Emit(out, entry);
      }
      out << YAML::EndMap;
      return;
    case Json::value_t::array:
      if (value.empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const Json& entry : value) Emit(out, entry);
      out << YAML::EndSeq;
      return;
    case Json::value_t::string: {
      const std::string& text = value.get_ref<const std::string&>();
      if (NeedsQuotes(text)) out << YAML::DoubleQuoted;
      out << text;
      return;
    }
    case Json::value_t::null:
      out << YAML::Null;
      return;
    default:
      out << value.dump();
  }
}

}  // namespace

Result<OutputFormat> ParseOutputFormat(const std::string& text) {
  if (text.empty()) return OutputFormat::kTable;
  if (text == "wide") return OutputFormat::kWide;
  if (text == "json") return OutputFormat::kJson;
  if (text == "yaml") return OutputFormat::kYaml;
  if (text == "name") return OutputFormat::kName;
  return Invalid("output \"" + text + "\" is not known; choose json, yaml, name or wide");
}

std::string ToJsonText(const std::vector<Json>& objects, bool single) {
  if (single && objects.size() == 1) return objects[0].dump(4) + "\n";
  const Json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}};
  return list.dump(4) + "\n";
}

std::string ToYamlText(const std::vector<Json>& objects, bool single) {
  YAML::Emitter out;
  if (single && objects.size() == 1) {
    Emit(out, objects[0]);
  } else {
    Emit(out, {{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}});
  }
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace penstock::cli
