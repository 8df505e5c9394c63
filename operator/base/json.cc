#include "operator/base/json.h"

#include <algorithm>
#include <cmath>

namespace penstock {
namespace {

constexpr int kMaxDepth = 256;

Json Normalised(const Json& v) {
  if (v.is_object()) {
    Json out = Json::object();
    for (const auto& [key, item] : v.items()) out[key] = Normalised(item);
    return out;
  }
  if (v.is_array()) {
    Json out = Json::array();
    for (const auto& item : v) out.push_back(Normalised(item));
    return out;
  }
  if (v.is_number_float()) {
    const double d = v.get<double>();
    if (std::floor(d) == d && std::fabs(d) < 9.0e15) return static_cast<std::int64_t>(d);
  }
  return v;
}

// The deepest nesting that text opens. The library's own way to tell, a callback while parsing,
// takes time quadratic in the length of a list.
int Depth(const std::string& text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> ParseJson(const std::string& text, const std::string& what) {
  if (Depth(text) > kMaxDepth)
    return Invalid(what + " is not accepted: nested deeper than 256 levels");
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    return Invalid(what + " is not JSON: " + e.what());
  }
}

std::string CanonicalJson(const Json& value) {
  return Normalised(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock
