// Reader: reads one JSON object into a struct by the descriptions in fields_*.h, and collects
// every error with its path.
//
// A reader borrows the object and the list of errors; it lives for one call. After the fields were
// described, Finish() reports those that nobody asked for. JSON null counts as absent, as it does
// for the API server. Not for more than one thread.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "operator/api/limits.h"
#include "operator/api/meta.h"
#include "operator/api/pipeline.h"
#include "operator/base/json.h"

namespace penstock::api {

// One word of an enum.
template <typename E>
struct Named {
  E value;
  const char* name;
};

class Reader {
 public:
  template <typename T>
  using Of = T;
  static constexpr bool kReads = true;

  // With `strict` an unknown field is an error. Status is read without, so that an older operator
  // can read what a newer one wrote.
  Reader(const Json& object, std::string path, std::vector<FieldError>* errors, bool strict = true);
  void Finish();

  // One method a form of field. An absent field leaves the value that the struct began with.
  void String(const char* name, std::string& v, Text limits);
  void OptionalString(const char* name, std::optional<std::string>& v, Text limits);
  void Choice(const char* name, std::string& v, std::span<const char* const> choices,
              const char* fallback);
  void Bool(const char* name, bool& v, bool fallback);
  void Number(const char* name, std::optional<double>& v, Range range);
  void Duration(const char* name, std::optional<Milliseconds>& v, bool required = false);
  void Duration(const char* name, Milliseconds& v, Milliseconds fallback);
  // A text with "$(" is kept as it is.
  void DurationOrText(const char* name, std::optional<Milliseconds>& v, std::string& text);
  void Time(const char* name, std::optional<TimePoint>& v);
  void Time(const char* name, TimePoint& v);
  void Value(const char* name, std::optional<Json>& v);
  void Raw(const char* name, Json& v, const Shape& shape);
  // `key`: the field of an item that names it; two of one name are an error. May be null.
  void RawList(const char* name, std::vector<Json>& v, std::size_t max, const Shape& shape,
               const char* key);
  void StringList(const char* name, std::vector<std::string>& v, std::size_t max, Text item);
  void StringMap(const char* name, std::map<std::string, std::string>& v, std::size_t max, Text key,
                 Text value);
  // A text each, or an object {firstOf, optional}.
  void Inputs(const char* name, std::map<std::string, InputSource>& v, std::size_t max, Text key,
              Text value);
  void ValueMap(const char* name, std::map<std::string, Json>& v, std::size_t max, Text key);

  template <typename I>
  void Integer(const char* name, I& v, Range range,
               std::optional<std::type_identity_t<I>> fallback) {
    (void)fallback;
    if (const auto n = ReadInteger(name, range)) v = static_cast<I>(*n);
  }
  template <typename I>
  void OptionalInteger(const char* name, std::optional<I>& v, Range range) {
    if (const auto n = ReadInteger(name, range)) v = static_cast<I>(*n);
  }
  // Without a fallback the field is required.
  template <typename E, std::size_t N>
  void Enum(const char* name, E& v, const std::array<Named<E>, N>& names,
            std::optional<std::type_identity_t<E>> fallback) {
    std::array<const char*, N> words{};
    for (std::size_t i = 0; i < N; ++i) words[i] = names[i].name;
    if (const int i = ReadWord(name, words, !fallback); i >= 0) v = names[i].value;
  }
  template <typename T>
  void Object(const char* name, T& v) {
    Group(name, [&](Reader& child) { Fields(child, v); });
  }
  template <typename T>
  void Optional(const char* name, std::optional<T>& v, bool required = false) {
    v.reset();
    if (Find(name) == nullptr && !required) return;
    v = T{};  // clang 14 finds no emplace() for a type within one that is not yet complete
    Group(
        name, [&](Reader& child) { Fields(child, *v); }, required);
  }
  template <typename F>
  void Group(const char* name, F&& describe, bool required = false) {
    const Json* j = Find(name);
    if (j == nullptr) {
      if (required) Missing(name);
      return;
    }
    Reader child(*j, ChildPath(path_, name), errors_, strict_);
    describe(child);
    child.Finish();
  }
  template <typename T>
  void List(const char* name, std::vector<T>& v, std::size_t max, const char* key,
            std::size_t min = 0) {
    const Json* j = FindList(name, max, min);
    if (j == nullptr) return;
    const std::string path = ChildPath(path_, name);
    v.clear();
    for (std::size_t i = 0; i < j->size() && i < max; ++i) {
      Reader child((*j)[i], ItemPath(path, i), errors_, strict_);
      Fields(child, v.emplace_back());
      child.Finish();
    }
    CheckUnique(*j, path, key);
  }
  // As List, of a kind that holds itself: a schema cannot write its items down.
  template <typename T>
  void Within(const char* name, std::vector<T>& v, std::size_t max, const char* key) {
    List(name, v, max, key);
  }
  // A rule across fields, reported at `field` of this object ("" for the object itself), unless the
  // field itself could not be read, which was reported.
  void Check(bool holds, const char* field, const std::string& message);
  [[nodiscard]] bool Has(const char* name) const;
  // Fields that nothing has asked for until now, which Finish will report.
  [[nodiscard]] bool HasOthers() const;

 private:
  [[nodiscard]] bool IsKnown(const std::string& name) const;
  const Json* Find(const char* name);
  const Json* FindList(const char* name, std::size_t max, std::size_t min);
  std::optional<std::int64_t> ReadInteger(const char* name, Range range);
  int ReadWord(const char* name, std::span<const char* const> words, bool required);
  bool ReadString(const char* name, std::string& v, Text limits);
  void CheckUnique(const Json& list, const std::string& path, const char* key);
  void Missing(const char* name);
  void Fail(const char* name, std::string message);

  const Json* object_ = nullptr;  // null where there is no object: then nothing is reported
  std::string path_;
  std::vector<FieldError>* errors_;
  bool strict_;
  std::vector<std::string_view> known_;
};

// What is wrong with a text, or nothing.
[[nodiscard]] std::optional<std::string> TextProblem(const std::string& text, Text limits);
// Appends what is wrong with a value of a core/v1 type.
void CheckShape(const Json& value, const Shape& shape, const std::string& path,
                std::vector<FieldError>* errors);
// "an object", "a string", ...
[[nodiscard]] const char* WhatIs(const Json& value);
// "unknown field; did you mean \"retry\"?"
[[nodiscard]] std::string UnknownField(const std::string& name,
                                       std::span<const std::string_view> known);
[[nodiscard]] std::size_t CodePoints(std::string_view utf8);

}  // namespace penstock::api
