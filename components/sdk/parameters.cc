#include <algorithm>
#include <cmath>

#include "components/sdk/step.h"
#include "operator/base/json.h"

namespace penstock::sdk {

const Json* Parameters::Find(const std::string& name) {
  known_.insert(name);
  if (!values_.contains(name) || values_[name].is_null()) return nullptr;
  return &values_[name];
}

void Parameters::Fail(const std::string& problem) {
  if (error_.empty()) error_ = problem;
}

Result<void> Parameters::Finish() const {
  if (!error_.empty()) return Invalid("parameter " + error_);
  for (const auto& [name, value] : values_.items()) {
    if (!known_.contains(name))
      return Invalid("parameter " + name + ": there is no such parameter");
  }
  return {};
}

std::string Parameters::String(const std::string& name, const std::string& fallback) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_string()) {
    Fail(name + ": must be a string");
    return fallback;
  }
  return value->get<std::string>();
}

std::string Parameters::RequiredString(const std::string& name) {
  std::string value = String(name, "");
  if (value.empty()) Fail(name + ": is required");
  return value;
}

std::string Parameters::OneOf(const std::string& name, const std::string& fallback,
                              const std::vector<std::string>& allowed) {
  std::string value = String(name, fallback);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    std::string list;
    for (const auto& a : allowed) list += (list.empty() ? "" : ", ") + a;
    Fail(name + ": must be one of " + list);
  }
  return value;
}

bool Parameters::Boolean(const std::string& name, bool fallback) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) Fail(name + ": must be true or false");
  return value->is_boolean() ? value->get<bool>() : fallback;
}

std::int64_t Parameters::Integer(const std::string& name, std::int64_t fallback,
                                 std::int64_t minimum, std::int64_t maximum) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!IsInt64(*value) || *value < minimum || *value > maximum) {
    Fail(name + ": must be an integer from " + std::to_string(minimum) + " to " +
         std::to_string(maximum));
    return fallback;
  }
  return value->get<std::int64_t>();
}

double Parameters::Number(const std::string& name, double fallback, double minimum,
                          double maximum) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_number() || value->get<double>() < minimum || value->get<double>() > maximum) {
    Fail(name + ": must be a number from " + Json(minimum).dump() + " to " + Json(maximum).dump());
    return fallback;
  }
  return value->get<double>();
}

std::optional<bool> Parameters::OptionalBoolean(const std::string& name) {
  if (Find(name) == nullptr) return std::nullopt;
  return Boolean(name, false);
}

std::optional<double> Parameters::OptionalNumber(const std::string& name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    Fail(name + ": must be a number");
    return std::nullopt;
  }
  return value->get<double>();
}

std::vector<std::string> Parameters::Strings(const std::string& name,
                                             std::vector<std::string> fallback) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  if (!value->is_array() ||
      !std::all_of(value->begin(), value->end(), [](const Json& v) { return v.is_string(); })) {
    Fail(name + ": must be a list of strings");
    return fallback;
  }
  return value->get<std::vector<std::string>>();
}

std::vector<std::int64_t> Parameters::Integers(const std::string& name,
                                               std::vector<std::int64_t> fallback,
                                               std::int64_t minimum, std::int64_t maximum) {
  const Json* value = Find(name);
  if (value == nullptr) return fallback;
  const auto fits = [&](const Json& v) {
    return v.is_number_integer() && v >= minimum && v <= maximum;
  };
  if (!value->is_array() || !std::all_of(value->begin(), value->end(), fits)) {
    Fail(name + ": must be a list of integers from " + std::to_string(minimum) + " to " +
         std::to_string(maximum));
    return fallback;
  }
  return value->get<std::vector<std::int64_t>>();
}

Json Parameters::Object(const std::string& name) {
  const Json* value = Find(name);
  if (value == nullptr) return Json::object();
  if (!value->is_object()) Fail(name + ": must be an object");
  return value->is_object() ? *value : Json::object();
}

Json Parameters::Any(const std::string& name) {
  const Json* value = Find(name);
  return value == nullptr ? Json() : *value;
}

Json Parameters::List(const std::string& name) {
  const Json* value = Find(name);
  if (value == nullptr) return Json::array();
  if (!value->is_array()) Fail(name + ": must be a list");
  return value->is_array() ? *value : Json::array();
}

}  // namespace penstock::sdk
