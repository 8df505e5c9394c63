#include "operator/base/json.h"

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

}  // namespace

Result<Json> ParseJson(const std::string& text, const std::string& what) {
  bool too_deep = false;
  auto guard = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) {
      too_deep = true;
      throw Json::other_error::create(500, "nested deeper than 256 levels", nullptr);
    }
    return true;
  };
  try {
    return Json::parse(text, guard);
  } catch (const Json::exception& e) {
    if (too_deep) return Invalid(what + " is not accepted: nested deeper than 256 levels");
    return Invalid(what + " is not JSON: " + e.what());
  }
}

std::string CanonicalJson(const Json& value) {
  return Normalised(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock
