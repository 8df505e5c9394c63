// Members of what others wrote, which may be anything. Reading never throws. Pure.
#pragma once

#include <string>

#include "operator/base/json.h"

namespace penstock {

// null where `object` is none, or has no such member. Borrows from `object`.
[[nodiscard]] inline const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto it = object.find(key);
  return it == object.end() ? kNull : *it;
}

// "" where there is no such text.
[[nodiscard]] inline std::string TextAt(const Json& object, const char* key) {
  const Json& value = Member(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace penstock
