// JSON, as the whole project uses it.
//
// Objects keep their keys sorted, so dump() of an object is canonical up to number spelling.
// Include json_fwd.h in headers that only name the type.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::json_detail {

template <typename T>
bool ReadWhole(const Json& json, T* out) {
  const auto take = [out](auto whole) {
    *out = static_cast<T>(whole);
    return std::in_range<T>(whole);
  };
  if (json.is_number_unsigned()) return take(*json.get_ptr<const std::uint64_t*>());
  if (json.is_number_integer()) return take(*json.get_ptr<const std::int64_t*>());
  const double d = *json.get_ptr<const double*>();
  if (!(d == std::trunc(d))) return false;
  if (d >= -0x1p63 && d < 0x1p63) return take(static_cast<std::int64_t>(d));
  return d > 0 && d < 0x1p64 && take(static_cast<std::uint64_t>(d));
}

}  // namespace penstock::json_detail

// Whole numbers are taken as they are written, or refused by a Json::exception: the library's own
// reading cuts 1.5 to 1 and 2^32 to 0, and of 1e300 it makes what the compiler likes.
template <typename T>
struct nlohmann::adl_serializer<
    T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  static void to_json(json& out, T value) { nlohmann::to_json(out, value); }
  static void from_json(const json& value, T& out) {
    if (!value.is_number()) return nlohmann::from_json(value, out);
    if (!penstock::json_detail::ReadWhole(value, &out))
      throw detail::type_error::create(
          302, value.dump() + " is no whole number, or too large for its place", &value);
  }
};

namespace penstock {

// Nothing nested deeper is taken from outside: what walks a value calls itself.
inline constexpr int kMaxJsonDepth = 256;

// Parses text; the error names `what` and the byte where it broke. Depth above kMaxJsonDepth is
// refused.
[[nodiscard]] Result<Json> ParseJson(std::string_view text, const std::string& what);

// The same for what holds values of many people, one of whom must not make all of it unreadable:
// what is nested deeper than kMaxJsonDepth becomes null. Readers of values refuse much less
// (LevelsOf), so that nothing is lost in silence.
[[nodiscard]] Result<Json> ParseJsonCut(std::string_view text, const std::string& what);

// How deep lists and objects are nested: 0 for a number, 1 for [1].
[[nodiscard]] int LevelsOf(const Json& value);

// One spelling a value, for hashing: sorted keys, no spaces, shortest round-trip numbers, and an
// integral double written as an integer (1.0 and 1 are one value to JSON).
[[nodiscard]] std::string CanonicalJson(const Json& value);

// Whether get<std::int64_t>() gives it as it is written.
[[nodiscard]] inline bool IsInt64(const Json& value) {
  return value.is_number_unsigned() ? std::in_range<std::int64_t>(value.get<std::uint64_t>())
                                    : value.is_number_integer();
}

// A number that somebody else wrote as an int: the nearer bound where it is not within them, and
// what is before the point.
[[nodiscard]] inline int Clamped(const Json& number, int least, int most) {
  const auto d = number.get<double>();
  return d >= least ? static_cast<int>(std::fmin(d, most)) : least;
}

}  // namespace penstock
