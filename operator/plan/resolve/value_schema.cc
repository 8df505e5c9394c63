#include "operator/plan/resolve/value_schema.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/protocol/task.h"

namespace penstock::plan {
namespace {

std::size_t CodePoints(const std::string& s) {
  return static_cast<std::size_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool SameValue(const Json& a, const Json& b) { return CanonicalJson(a) == CanonicalJson(b); }

// Wide enough for every whole number of 64 bits and every double.
long double Exact(const Json& number) {
  if (number.is_number_unsigned()) return static_cast<long double>(number.get<std::uint64_t>());
  if (number.is_number_integer()) return static_cast<long double>(number.get<std::int64_t>());
  return static_cast<long double>(number.get<double>());
}

// A whole number that has lost digits on its way, in the API server or before it.
bool IsBeyondIntegers(const std::string& type, const Json& value) {
  return type == "integer" && value.is_number_float() && std::fabs(value.get<double>()) >= 9.2e18;
}

const Json* Find(const Json& schema, const char* key) {
  const auto it = schema.find(key);
  return it == schema.end() || it->is_null() ? nullptr : &*it;
}

class Checker {
 public:
  Complaint Check(const Json& schema, const Json& value) {
    if (!schema.is_object()) return std::nullopt;
    Complaint wrong = OfItself(schema, value);
    if (!wrong && value.is_array()) wrong = OfList(schema, value);
    if (!wrong && value.is_object()) wrong = OfObject(schema, value);
    return wrong;
  }
  [[nodiscard]] const std::string& place() const { return place_; }

 private:
  Complaint OfItself(const Json& schema, const Json& value) {
    if (const Json* type = Find(schema, "type")) {
      const std::string name = type->get<std::string>();
      if (!HasType(value, name))
        return ShowValue(value) + " is no " + name +
               (IsBeyondIntegers(name, value) ? "; Kubernetes keeps those of 64 bits only" : "");
    }
    if (value.is_number()) {
      const Json* least = Find(schema, "minimum");
      if (least != nullptr && Exact(value) < Exact(*least))
        return ShowValue(value) + " is below the minimum " + ShowValue(*least);
      const Json* most = Find(schema, "maximum");
      if (most != nullptr && Exact(value) > Exact(*most))
        return ShowValue(value) + " is above the maximum " + ShowValue(*most);
    }
    if (value.is_string())
      if (auto wrong = OfText(schema, value.get_ref<const std::string&>())) return wrong;
    const Json* allowed = Find(schema, "enum");
    if (allowed != nullptr && std::none_of(allowed->begin(), allowed->end(),
                                           [&](const Json& one) { return SameValue(one, value); }))
      return ShowValue(value) + " is none of " + ShowValue(*allowed);
    return std::nullopt;
  }

  Complaint OfText(const Json& schema, const std::string& text) {
    const Json* most = Find(schema, "maxLength");
    if (most != nullptr && CodePoints(text) > most->get<std::size_t>())
      return "is longer than " + most->dump() + " characters";
    const Json* pattern = Find(schema, "pattern");
    if (pattern == nullptr) return std::nullopt;
    // A user's pattern meets a user's text: RE2 takes time linear in both.
    const std::string written = pattern->get<std::string>();
    auto& compiled = patterns_[written];
    if (!compiled) compiled = std::make_unique<re2::RE2>(written, re2::RE2::Quiet);
    if (!compiled->ok())
      return "cannot be held against the pattern '" + written + "': " + compiled->error();
    if (re2::RE2::FullMatch(text, *compiled)) return std::nullopt;
    return "does not match the pattern '" + written + "'";
  }

  Complaint OfList(const Json& schema, const Json& list) {
    const Json* least = Find(schema, "minItems");
    if (least != nullptr && list.size() < least->get<std::size_t>())
      return "has " + std::to_string(list.size()) + " items; at least " + least->dump() +
             " are needed";
    const Json* most = Find(schema, "maxItems");
    if (most != nullptr && list.size() > most->get<std::size_t>())
      return "has " + std::to_string(list.size()) + " items; at most " + most->dump() +
             " are allowed";
    const Json* items = Find(schema, "items");
    for (std::size_t i = 0; items != nullptr && i < list.size(); ++i)
      if (auto wrong = Below("[" + std::to_string(i) + "]", *items, list[i])) return wrong;
    return std::nullopt;
  }

  Complaint OfObject(const Json& schema, const Json& object) {
    if (const Json* required = Find(schema, "required"))
      for (const Json& name : *required)
        if (const auto it = object.find(name.get<std::string>());
            it == object.end() || it->is_null())
          return "has no '" + name.get<std::string>() + "', which is required";
    const Json* properties = Find(schema, "properties");
    const bool is_closed = schema.value("additionalProperties", true) == false;
    for (const auto& [name, value] : object.items()) {
      const Json* property = properties != nullptr ? Find(*properties, name.c_str()) : nullptr;
      if (property == nullptr && is_closed) return Unknown(name, properties);
      if (property == nullptr || value.is_null()) continue;  // null: not given
      if (auto wrong = Below("." + name.substr(0, 80), *property, value)) return wrong;
    }
    return std::nullopt;
  }

  static std::string Unknown(const std::string& name, const Json* properties) {
    std::string known;
    if (properties != nullptr)
      for (const auto& [one, schema] : properties->items())
        known += (known.empty() ? "it may have " : ", ") + one;
    return "has '" + Shown(name, 80) + "', which is not declared" +
           (known.empty() ? "" : "; " + Shown(known, 256));
  }

  Complaint Below(const std::string& part, const Json& schema, const Json& value) {
    const std::size_t before = place_.size();
    place_ += part;
    auto wrong = Check(schema, value);
    if (!wrong) place_.resize(before);
    return wrong;
  }

  std::string place_;  // where in the value; stays where something is wrong
  std::map<std::string, std::unique_ptr<re2::RE2>> patterns_;
};

template <typename Spec>
Json SchemaOfSpec(const Spec& s) {
  Json j{{"type", Name(s.type)}};
  if (s.minimum) j["minimum"] = *s.minimum;
  if (s.maximum) j["maximum"] = *s.maximum;
  if (s.max_length) j["maxLength"] = *s.max_length;
  if (!s.pattern.empty()) j["pattern"] = s.pattern;
  if (!s.enum_values.empty()) j["enum"] = s.enum_values;
  if (!s.items.is_null()) j["items"] = s.items;
  if (s.min_items) j["minItems"] = *s.min_items;
  if (s.max_items) j["maxItems"] = *s.max_items;
  if (!s.properties.is_null()) j["properties"] = s.properties;
  if (!s.required.empty()) j["required"] = s.required;
  if (!s.additional_properties) j["additionalProperties"] = false;
  return j;
}

std::optional<DeclarationComplaint> Bad(std::string field, std::string message) {
  return DeclarationComplaint{std::move(field), std::move(message)};
}

// Of one level.
std::optional<DeclarationComplaint> CheckRules(const Json& schema) {
  const auto crossed = [&](const char* least, const char* most) {
    const Json *a = Find(schema, least), *b = Find(schema, most);
    return a != nullptr && b != nullptr && Exact(*a) > Exact(*b);
  };
  if (crossed("minimum", "maximum")) return Bad("", "minimum is above maximum");
  if (crossed("minItems", "maxItems")) return Bad("", "minItems is above maxItems");
  if (const Json* pattern = Find(schema, "pattern")) {
    const std::string text = pattern->get<std::string>();
    const re2::RE2 compiled(text, re2::RE2::Quiet);
    if (!compiled.ok())
      return Bad(".pattern", "'" + text + "' is no regular expression: " + compiled.error());
  }
  const std::string type = schema.value("type", "");
  if (const Json* allowed = Find(schema, "enum"))
    for (std::size_t i = 0; i < allowed->size(); ++i)
      if (!HasType((*allowed)[i], type))
        return Bad(api::ItemPath(".enum", i), ShowValue((*allowed)[i]) + " is no " + type);
  const Json* required = Find(schema, "required");
  const Json* properties = Find(schema, "properties");
  const bool is_closed = schema.value("additionalProperties", true) == false;
  for (std::size_t i = 0; required != nullptr && is_closed && i < required->size(); ++i)
    if (properties == nullptr || !properties->contains((*required)[i].get<std::string>()))
      return Bad(api::ItemPath(".required", i),
                 "'" + (*required)[i].get<std::string>() + "' is not among the properties");
  return std::nullopt;
}

}  // namespace

std::string ShowValue(const Json& value) {
  std::string text = CanonicalJson(ShownValue(value));
  if (text.size() > 60) {
    text.resize(57);
    text += "...";
  }
  return text;
}

Json SchemaOf(const api::ParameterSpec& parameter) {
  return parameter.untyped ? Json() : SchemaOfSpec(parameter);
}
Json SchemaOf(const api::ResultSpec& result) {
  return result.untyped ? Json() : SchemaOfSpec(result);
}

Complaint CheckAgainst(const Json& schema, const Json& value) {
  Checker checker;
  auto wrong = checker.Check(schema, value);
  if (wrong && !checker.place().empty()) return checker.place() + ": " + *wrong;
  return wrong;
}

std::optional<DeclarationComplaint> CheckSchema(const Json& schema) {
  if (!schema.is_object()) return std::nullopt;
  if (auto wrong = CheckRules(schema)) return wrong;
  const auto below = [](const std::string& field, const Json& inner) {
    auto wrong = CheckSchema(inner);
    if (wrong) wrong->field = field + wrong->field;
    return wrong;
  };
  if (const Json* items = Find(schema, "items"))
    if (auto wrong = below(".items", *items)) return wrong;
  if (const Json* properties = Find(schema, "properties"))
    for (const auto& [name, inner] : properties->items())
      if (auto wrong = below(api::ChildPath(".properties", name), inner)) return wrong;
  return std::nullopt;
}

Result<Json> SchemaBelow(const Json& schema, const Reference& reference, std::size_t names) {
  std::vector<Reference::Below> way;
  for (std::size_t i = names; i < reference.path.size(); ++i) way.emplace_back(reference.path[i]);
  way.insert(way.end(), reference.below.begin(), reference.below.end());
  Json now = schema;
  for (const Reference::Below& to : way) {
    if (!now.is_object()) return Json();
    const std::string type = now.value("type", "");
    const auto* name = std::get_if<std::string>(&to);
    if (type != (name != nullptr ? "object" : "list"))
      return Invalid(reference.Text() + ": what is declared as " + type + " has no " +
                     (name != nullptr ? "field '" + *name + "'" : "items"));
    Json next;
    if (name != nullptr) {
      const Json* properties = Find(now, "properties");
      if (properties != nullptr && properties->contains(*name))
        next = properties->at(*name);
      else if (now.value("additionalProperties", true) == false)
        return Invalid(reference.Text() + ": no field '" + *name + "' is declared");
    } else if (const Json* items = Find(now, "items")) {
      next = *items;
    }
    now = std::move(next);
  }
  if (reference.all && now.is_object() && now.value("type", "") != "list")
    return Invalid(reference.Text() + ": [*] is for lists, and it is declared as " +
                   now.value("type", ""));
  return now;
}

}  // namespace penstock::plan
