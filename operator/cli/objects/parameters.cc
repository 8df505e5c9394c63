#include "operator/cli/objects/parameters.h"

#include <algorithm>
#include <optional>

#include "operator/base/shown_text.h"
#include "operator/base/whole_number.h"

namespace penstock::cli {
namespace {

std::string NamesOf(const std::vector<api::ParameterSpec>& declared) {
  if (declared.empty()) return "the pipeline has no parameters";
  std::string names;
  for (const auto& spec : declared) names += (names.empty() ? "" : ", ") + spec.name;
  return "it has " + names;
}

// The value as the type, as a file has it, or nullopt.
std::optional<Json> Typed(const std::string& text, api::ValueType type) {
  if (type == api::ValueType::kString) return Json(text);
  Result<Json> value = ParseJson(text, "value");
  if (!value) return std::nullopt;
  ReadNumbersAsKubernetes(*value);
  bool right = value->is_null();
  switch (type) {
    case api::ValueType::kInteger:
      right = right || value->is_number_integer();
      break;
    case api::ValueType::kNumber:
      right = right || value->is_number();
      break;
    case api::ValueType::kBoolean:
      right = right || value->is_boolean();
      break;
    case api::ValueType::kList:
      right = right || value->is_array();
      break;
    case api::ValueType::kObject:
      right = right || value->is_object();
      break;
    case api::ValueType::kString:
      break;
  }
  return right ? std::optional(*value) : std::nullopt;
}

const char* Example(api::ValueType type) {
  switch (type) {
    case api::ValueType::kInteger:
      return "10";
    case api::ValueType::kNumber:
      return "0.5";
    case api::ValueType::kBoolean:
      return "true";
    case api::ValueType::kList:
      return "'[\"a\",\"b\"]'";
    case api::ValueType::kObject:
      return "'{\"a\":1}'";
    case api::ValueType::kString:
      break;
  }
  return "text";
}

}  // namespace

Result<std::map<std::string, Json>> ParseParameters(
    const std::vector<std::string>& given, const std::vector<api::ParameterSpec>& declared) {
  std::map<std::string, Json> values;
  std::string errors;
  const auto complain = [&](const std::string& what) {
    errors += (errors.empty() ? "" : "\n") + what;
  };
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      complain("parameter \"" + text + "\": write name=value");
      continue;
    }
    const std::string name = text.substr(0, equals);
    if (!IsUtf8(text)) {
      complain("parameter " + plan::Shown(name) + ": the value is not UTF-8 text");
      continue;
    }
    const auto spec = std::find_if(declared.begin(), declared.end(),
                                   [&](const api::ParameterSpec& s) { return s.name == name; });
    if (spec == declared.end()) {
      complain("parameter " + name + " does not exist; " + NamesOf(declared));
      continue;
    }
    const bool typed = spec->type != api::ValueType::kString;
    if (const std::string number = typed ? RoundedNumberIn(text.substr(equals + 1)) : "";
        !number.empty()) {
      complain("parameter " + name + ": " + WhyRounded(number));
      continue;
    }
    const std::optional<Json> value = Typed(text.substr(equals + 1), spec->type);
    if (!value) {
      complain("parameter " + name + " is of type " + api::Name(spec->type) + ", as " + name + "=" +
               Example(spec->type) + "; \"" + text.substr(equals + 1) + "\" is not");
      continue;
    }
    if (!values.emplace(name, *value).second) complain("parameter " + name + " is given twice");
  }
  if (!errors.empty()) return Invalid(errors);
  return values;
}

Result<std::map<std::string, std::string>> ParseInputs(
    const std::vector<std::string>& given, const std::vector<api::InputSpec>& declared) {
  std::map<std::string, std::string> sources;
  std::string names, errors;
  for (const auto& input : declared) names += (names.empty() ? "it has " : ", ") + input.name;
  const auto complain = [&](const std::string& what) {
    errors += (errors.empty() ? "" : "\n") + what;
  };
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      complain("input \"" + text + "\": write name=sha256:... or name=URI");
    else if (!IsUtf8(text))
      complain("input " + plan::Shown(name) + ": the value is not UTF-8 text");
    else if (std::none_of(declared.begin(), declared.end(),
                          [&](const auto& input) { return input.name == name; }))
      complain("input " + name + " does not exist; " +
               (names.empty() ? "the pipeline has no inputs" : names));
    else if (!sources.emplace(name, text.substr(equals + 1)).second)
      complain("input " + name + " is given twice");
  }
  if (!errors.empty()) return Invalid(errors);
  return sources;
}

}  // namespace penstock::cli
