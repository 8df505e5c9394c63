// JSON, as the whole project uses it.
//
// Objects keep their keys sorted, so dump() of an object is canonical up to number spelling.
// Include json_fwd.h in headers that only name the type.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "operator/base/json_fwd.h"
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

}  // namespace penstock
