// Small pieces of the views' JSON: what is empty is left out. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::views {

inline void Put(Json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}
inline void Put(Json& object, const char* key, const std::optional<TimePoint>& time) {
  if (time) object[key] = FormatTime(*time);
}

}  // namespace penstock::views
