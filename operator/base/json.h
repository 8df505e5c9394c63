// JSON, as the whole project uses it.
//
// Objects keep their keys sorted, so dump() of an object is canonical up to number spelling.
// Include json_fwd.h in headers that only name the type.
#pragma once

// clang-format off
#include "operator/base/json_fwd.h"  // before the library
// clang-format on

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "operator/base/result.h"

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
