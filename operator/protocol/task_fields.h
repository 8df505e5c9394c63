// Reads what the other side of the protocol wrote: the fields of an object, with the first that is
// wrong. For this folder's own codecs (task.cc, task_end.cc). Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "operator/base/json.h"
#include "operator/protocol/task.h"

namespace penstock {

// Out of its range a conversion is undefined.
template <typename T>
[[nodiscard]] bool Holds(const Json& number) {
  if (number.is_number_unsigned()) return std::in_range<T>(number.get<std::uint64_t>());
  return number.is_number_integer() && std::in_range<T>(number.get<std::int64_t>());
}

// Reads fields of an object and remembers the first that is wrong.
class TaskFields {
 public:
  TaskFields(const Json& j, std::string where) : j_(j), where_(std::move(where)) {
    if (!j_.is_object()) Fail("", "must be an object");
  }

  template <typename T>
  void Get(const char* key, T& out) {
    const auto it = j_.is_object() ? j_.find(key) : j_.end();
    if (!j_.is_object() || it == j_.end() || it->is_null()) return;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!Holds<T>(*it)) return Fail(key, "must be a whole number that is not too large");
    }
    try {
      out = it->template get<T>();
    } catch (const Json::exception&) {
      Fail(key, "has the wrong type");
    }
  }
  void Get(const char* key, Json& out) {
    if (j_.is_object() && j_.contains(key)) out = j_.at(key);
  }
  template <typename T, typename F>
  void List(const char* key, std::vector<T>& out, F read) {
    if (!j_.is_object() || !j_.contains(key) || j_.at(key).is_null()) return;
    if (!j_.at(key).is_array()) return Fail(key, "must be a list");
    for (const auto& item : j_.at(key)) {
      TaskFields r(item, where_ + key + "[" + std::to_string(out.size()) + "].");
      T value;
      read(r, value);
      if (!r.error_.empty()) return Fail("", r.error_);
      out.push_back(std::move(value));
    }
  }
  void Fail(const std::string& key, const std::string& what) {
    if (error_.empty()) error_ = key.empty() ? what : where_ + key + " " + what;
  }
  [[nodiscard]] bool Has(const char* key) const {
    return j_.is_object() && j_.contains(key) && !j_.at(key).is_null();
  }
  [[nodiscard]] const Json& At(const char* key) const { return j_.at(key); }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Json& j_;
  std::string where_;
  std::string error_;
};

// An artifact, that must be one.
void ReadArtifact(TaskFields& r, ArtifactRef& a);

// The artifact under `key`, where there is one.
template <typename Owner>
void ReadArtifactField(TaskFields& r, const char* key, Owner& out) {
  if (!r.Has(key)) return;
  TaskFields inner(r.At(key), r.where() + key + ".");
  ArtifactRef a;
  ReadArtifact(inner, a);
  if (!inner.error().empty()) return r.Fail("", inner.error());
  out = std::move(a);
}

// Fails where the version is none that this side speaks.
void CheckProtocol(TaskFields& r, int protocol);

}  // namespace penstock
