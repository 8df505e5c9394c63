#include "operator/views/run/yaml_text.h"

#include <yaml-cpp/yaml.h>

#include "operator/base/json.h"

namespace penstock::views {
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

std::string YamlText(const Json& value) {
  YAML::Emitter out;
  Emit(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace penstock::views
