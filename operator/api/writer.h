// Writer: writes a struct as a JSON object by the descriptions in fields_*.h.
//
// A field that says nothing (empty, or its default) is left out, so that a field added later
// changes no hash of an older object. In status, text over its bound is cut: a long message of
// a broken program must not make a status impossible to write. Lives for one call.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "operator/api/limits.h"
#include "operator/api/meta.h"
#include "operator/api/reader.h"
#include "operator/base/json.h"

namespace penstock::api {

class Writer {
 public:
  template <typename T>
  using Of = const T;
  static constexpr bool kReads = false;

  explicit Writer(Json* out, bool cut_text = false) : out_(out), cut_(cut_text) {
    *out_ = Json::object();
  }

  void String(const char* name, const std::string& v, Text limits) {
    if (!v.empty() || limits.always) (*out_)[name] = Cut(v, limits.max);
  }
  void OptionalString(const char* name, const std::optional<std::string>& v, Text limits) {
    if (v) (*out_)[name] = Cut(*v, limits.max);
  }
  void Choice(const char* name, const std::string& v, std::span<const char* const>,
              const char* fallback) {
    if (!v.empty() && (fallback == nullptr || v != fallback)) (*out_)[name] = v;
  }
  void Bool(const char* name, bool v, bool fallback) {
    if (v != fallback) (*out_)[name] = v;
  }
  void Number(const char* name, const std::optional<double>& v, Range) {
    if (v) (*out_)[name] = *v;
  }
  void Duration(const char* name, const std::optional<Milliseconds>& v, bool /*required*/ = false) {
    if (v) (*out_)[name] = FormatDuration(*v);
  }
  void DurationOrText(const char* name, const std::optional<Milliseconds>& v,
                      const std::string& text) {
    if (text.empty()) return Duration(name, v);
    (*out_)[name] = text;
  }
  void Duration(const char* name, Milliseconds v, Milliseconds fallback) {
    if (v != fallback) (*out_)[name] = FormatDuration(v);
  }
  void Time(const char* name, const std::optional<TimePoint>& v) {
    if (v) (*out_)[name] = FormatTime(*v);
  }
  void Time(const char* name, const TimePoint& v) { (*out_)[name] = FormatTime(v); }
  void Value(const char* name, const std::optional<Json>& v) {
    if (v && !v->is_null()) (*out_)[name] = *v;
  }
  void Raw(const char* name, const Json& v, const Shape&) {
    if (!v.is_null()) (*out_)[name] = v;
  }
  void RawList(const char* name, const std::vector<Json>& v, std::size_t, const Shape&,
               const char*) {
    if (!v.empty()) (*out_)[name] = v;
  }
  void StringList(const char* name, const std::vector<std::string>& v, std::size_t, Text) {
    if (!v.empty()) (*out_)[name] = v;
  }
  void StringMap(const char* name, const std::map<std::string, std::string>& v, std::size_t, Text,
                 Text) {
    if (!v.empty()) (*out_)[name] = v;
  }
  void Inputs(const char* name, const std::map<std::string, InputSource>& v, std::size_t, Text,
              Text) {
    Json all = Json::object();
    for (const auto& [key, source] : v) {
      if (source.first_of.size() == 1 && !source.optional) {
        all[key] = source.first_of[0];
        continue;
      }
      all[key]["firstOf"] = source.first_of;
      if (source.optional) all[key]["optional"] = true;
    }
    if (!all.empty()) (*out_)[name] = std::move(all);
  }
  void ValueMap(const char* name, const std::map<std::string, Json>& v, std::size_t, Text) {
    Json values = Json::object();
    for (const auto& [key, value] : v)
      if (!value.is_null()) values[key] = value;
    if (!values.empty()) (*out_)[name] = std::move(values);
  }
  // Without a fallback the number is always written.
  template <typename I>
  void Integer(const char* name, const I& v, Range,
               std::optional<std::type_identity_t<I>> fallback) {
    if (!fallback || v != *fallback) (*out_)[name] = v;
  }
  template <typename I>
  void OptionalInteger(const char* name, const std::optional<I>& v, Range) {
    if (v) (*out_)[name] = *v;
  }
  template <typename E, std::size_t N>
  void Enum(const char* name, const E& v, const std::array<Named<E>, N>& names,
            std::optional<std::type_identity_t<E>> fallback) {
    if (fallback && v == *fallback) return;
    for (const auto& n : names)
      if (n.value == v) (*out_)[name] = n.name;
  }
  template <typename T>
  void Object(const char* name, const T& v) {
    Group(name, [&](Writer& child) { Fields(child, v); });
  }
  template <typename T>
  void Optional(const char* name, const std::optional<T>& v, bool = false) {
    if (!v) return;
    Writer child(&(*out_)[name], cut_);
    Fields(child, *v);
  }
  template <typename F>
  void Group(const char* name, F&& describe, bool = false) {
    Json object;
    Writer child(&object, cut_);
    describe(child);
    if (!object.empty()) (*out_)[name] = std::move(object);
  }
  template <typename T>
  void List(const char* name, const std::vector<T>& v, std::size_t, const char*, std::size_t = 0) {
    if (v.empty()) return;
    Json list = Json::array();
    for (const T& item : v) {
      Writer child(&list.emplace_back(), cut_);
      Fields(child, item);
    }
    (*out_)[name] = std::move(list);
  }
  template <typename T>
  void Within(const char* name, const std::vector<T>& v, std::size_t max, const char* key) {
    List(name, v, max, key);
  }

 private:
  // The text, or in status its first `max` code points with "..." at the end.
  [[nodiscard]] std::string Cut(const std::string& text, std::size_t max) const;

  Json* out_;
  bool cut_;
};

}  // namespace penstock::api
