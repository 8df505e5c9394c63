// SchemaSketch: writes the descriptions in fields_*.h down as an OpenAPI schema, so that a test can
// hold crds/ against what the code reads. For tests only.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "operator/api/fields.h"

namespace penstock::api {

[[nodiscard]] inline Json SketchOf(const Shape& shape, bool required) {
  Json out = Json::object();
  switch (shape.kind) {
    case Shape::kAny:
      return {{"x-kubernetes-preserve-unknown-fields", true}};
    case Shape::kString:
      out = {{"type", "string"}, {"maxLength", shape.max}};
      if (required) out["minLength"] = 1;
      return out;
    case Shape::kInteger:
      out = {{"type", "integer"}};
      if (shape.max > 0) out.update({{"minimum", 0}, {"maximum", shape.max}});
      return out;
    case Shape::kBoolean:
      return {{"type", "boolean"}};
    case Shape::kQuantityValue:
      return {{"x-kubernetes-int-or-string", true},
              {"maxLength", shape.max},
              {"pattern", kQuantity.pattern}};
    case Shape::kTemplateQuantity:
      return {{"x-kubernetes-int-or-string", true},
              {"maxLength", shape.max},
              {"pattern", kTemplateQuantity.pattern}};
    case Shape::kMap:
      return {{"type", "object"},
              {"maxProperties", shape.max},
              {"additionalProperties", SketchOf(*shape.item, false)}};
    case Shape::kList:
      return {{"type", "array"}, {"maxItems", shape.max}, {"items", SketchOf(*shape.item, false)}};
    case Shape::kOpenObject:
      out["x-kubernetes-preserve-unknown-fields"] = true;
      break;
    case Shape::kObject:
      break;
  }
  out["type"] = "object";
  for (const ShapeField& f : shape.fields) {
    out["properties"][f.name] = SketchOf(*f.shape, f.required);
    if (f.required) out["required"].push_back(f.name);
  }
  return out;
}

class SchemaSketch {
 public:
  template <typename T>
  using Of = const T;
  static constexpr bool kReads = false;

  explicit SchemaSketch(Json* out) : out_(out) {
    *out_ = {{"type", "object"}, {"properties", Json::object()}};
  }

  void String(const char* name, const std::string&, Text t) {
    Set(name, TextSchema(t), t.required || t.always);
  }
  void OptionalString(const char* name, const std::optional<std::string>&, Text t) {
    Set(name, TextSchema(t), t.required);
  }
  void Choice(const char* name, const std::string&, std::span<const char* const> choices,
              const char* fallback) {
    Set(name,
        {{"type", "string"}, {"enum", std::vector<std::string>(choices.begin(), choices.end())}},
        fallback == nullptr);
  }
  void Bool(const char* name, bool, bool fallback) {
    Set(name, {{"type", "boolean"}, {"default", fallback}}, false);
  }
  void Number(const char* name, const std::optional<double>&, Range r) {
    Set(name, {{"type", "number"}, {"minimum", r.min}, {"maximum", r.max}}, false);
  }
  void Duration(const char* name, const std::optional<Milliseconds>&, bool required = false) {
    Set(name, DurationSchema(), required);
  }
  void DurationOrText(const char* name, const std::optional<Milliseconds>&, const std::string&) {
    Json s = DurationSchema();
    s["maxLength"] = 256;
    s["pattern"] = kTemplateDuration.pattern;
    Set(name, s, false);
  }
  void Duration(const char* name, Milliseconds, Milliseconds fallback) {
    Json s = DurationSchema();
    s["default"] = FormatDuration(fallback);
    Set(name, s, false);
  }
  void Time(const char* name, const std::optional<TimePoint>&) { Set(name, TimeSchema(), false); }
  void Time(const char* name, const TimePoint&) { Set(name, TimeSchema(), true); }
  void Value(const char* name, const std::optional<Json>&) {
    Set(name, SketchOf(core::kAnyValue, false), false);
  }
  void Raw(const char* name, const Json&, const Shape& shape) {
    Set(name, SketchOf(shape, false), false);
  }
  void RawList(const char* name, const std::vector<Json>&, std::size_t max, const Shape& shape,
               const char* key) {
    SetList(name, max, 0, key, SketchOf(shape, false));
  }
  void StringList(const char* name, const std::vector<std::string>&, std::size_t max, Text item) {
    SetList(name, max, 0, nullptr, TextSchema(item));
  }
  void StringMap(const char* name, const std::map<std::string, std::string>&, std::size_t max, Text,
                 Text value) {
    Set(name,
        {{"type", "object"}, {"maxProperties", max}, {"additionalProperties", TextSchema(value)}},
        false);
  }
  void Inputs(const char* name, const std::map<std::string, InputSource>&, std::size_t max, Text,
              Text) {
    Set(name,
        {{"type", "object"},
         {"maxProperties", max},
         {"additionalProperties", SketchOf(core::kAnyValue, false)}},
        false);
  }
  void ValueMap(const char* name, const std::map<std::string, Json>&, std::size_t max, Text) {
    Set(name,
        {{"type", "object"},
         {"maxProperties", max},
         {"x-kubernetes-preserve-unknown-fields", true}},
        false);
  }
  template <typename I>
  void Integer(const char* name, const I&, Range r,
               std::optional<std::type_identity_t<I>> fallback) {
    Json s = {{"type", "integer"}, {"minimum", r.min}, {"maximum", r.max}};
    if (fallback) s["default"] = *fallback;
    Set(name, s, r.required);
  }
  template <typename I>
  void OptionalInteger(const char* name, const std::optional<I>&, Range r) {
    Set(name, {{"type", "integer"}, {"minimum", r.min}, {"maximum", r.max}}, false);
  }
  template <typename E, std::size_t N>
  void Enum(const char* name, const E&, const std::array<Named<E>, N>& names,
            std::optional<std::type_identity_t<E>> fallback) {
    Json s = {{"type", "string"}, {"enum", Json::array()}};
    for (const auto& n : names) {
      s["enum"].push_back(n.name);
      if (fallback && n.value == *fallback) s["default"] = n.name;
    }
    Set(name, s, !fallback);
  }
  template <typename T>
  void Object(const char* name, const T& v) {
    Group(name, [&](SchemaSketch& child) { Fields(child, v); });
  }
  template <typename T>
  void Optional(const char* name, const std::optional<T>&, bool required = false) {
    const T v{};
    Group(
        name, [&](SchemaSketch& child) { Fields(child, v); }, required);
  }
  template <typename F>
  void Group(const char* name, F&& describe, bool required = false) {
    Json schema;
    SchemaSketch child(&schema);
    describe(child);
    Set(name, schema, required);
  }
  template <typename T>
  void List(const char* name, const std::vector<T>&, std::size_t max, const char* key,
            std::size_t min = 0) {
    Json schema;
    SchemaSketch child(&schema);
    const T v{};
    Fields(child, v);
    SetList(name, max, min, key, schema);
  }
  template <typename T>
  void Within(const char* name, const std::vector<T>&, std::size_t max, const char*) {
    SetList(name, max, 0, nullptr, SketchOf(core::kAnyObject, false));
  }

 private:
  static Json TextSchema(Text t) {
    Json s = {{"type", "string"}, {"maxLength", t.max}};
    if (t.required || t.filled) s["minLength"] = 1;
    if (t.format != nullptr) s["pattern"] = t.format->pattern;
    return s;
  }
  static Json DurationSchema() {
    return {{"type", "string"},
            {"minLength", 2},
            {"maxLength", 32},
            {"pattern", kDurationFormat.pattern}};
  }
  static Json TimeSchema() { return {{"type", "string"}, {"format", "date-time"}}; }
  void SetList(const char* name, std::size_t max, std::size_t min, const char* key, Json items) {
    Json s = {{"type", "array"}, {"maxItems", max}, {"items", std::move(items)}};
    if (key != nullptr) s["x-kubernetes-list-map-keys"] = {key};
    if (min > 0) s["minItems"] = min;
    Set(name, s, min > 0);
  }
  void Set(const char* name, Json schema, bool required) {
    (*out_)["properties"][name] = std::move(schema);
    if (required) (*out_)["required"].push_back(name);
  }

  Json* out_;
};

}  // namespace penstock::api
