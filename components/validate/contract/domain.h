// The values that a schema lets a column have: a list, or a range. Immutable; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "components/model_format/column.h"
#include "operator/base/json.h"

namespace penstock::validate {

// A schema's domain, for values of the column's type.
struct Domain {
  bool listed = false;
  std::unordered_set<std::string> texts;
  std::unordered_set<std::int64_t> integers;  // booleans as 0 and 1
  std::unordered_set<double> numbers;
  Json minimum;
  Json maximum;

  explicit Domain(const Json& domain) {
    listed = domain.is_array();
    if (!listed) {
      if (domain.contains("minimum")) minimum = domain["minimum"];
      if (domain.contains("maximum")) maximum = domain["maximum"];
      return;
    }
    for (const auto& value : domain) {
      if (value.is_string()) texts.insert(value.get<std::string>());
      if (value.is_boolean()) integers.insert(value.get<bool>() ? 1 : 0);
      if (IsInt64(value)) integers.insert(value.get<std::int64_t>());
      if (value.is_number()) numbers.insert(value.get<double>());
    }
  }

  // A model's bounds of integers may be fractions.
  template <typename T>
  static bool Below(T value, const Json& bound) {
    if (bound.is_null()) return false;
    return bound.is_number_float() ? double(value) < bound.get<double>() : value < bound.get<T>();
  }
  template <typename T>
  static bool Above(T value, const Json& bound) {
    if (bound.is_null()) return false;
    return bound.is_number_float() ? double(value) > bound.get<double>() : value > bound.get<T>();
  }

  [[nodiscard]] bool Lists(const sdk::Cell& cell) const {
    if (const auto* text = std::get_if<std::string_view>(&cell)) {
      return texts.contains(std::string(*text));
    }
    if (const auto* flag = std::get_if<bool>(&cell)) return integers.contains(*flag ? 1 : 0);
    if (const auto* whole = std::get_if<std::int64_t>(&cell)) return integers.contains(*whole);
    const auto* number = std::get_if<double>(&cell);
    return number == nullptr || numbers.contains(*number);
  }
};

}  // namespace penstock::validate
