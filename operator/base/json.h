// JSON, as the whole project uses it.
//
// Objects keep their keys sorted, so dump() of an object is canonical up to number spelling.
// Include json_fwd.h in headers that only name the type.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock {

// Parses text; the error names `what` and the byte where it broke. Depth above 256 is refused.
[[nodiscard]] Result<Json> ParseJson(const std::string& text, const std::string& what);

// One spelling a value, for hashing: sorted keys, no spaces, shortest round-trip numbers, and an
// integral double written as an integer (1.0 and 1 are one value to JSON).
[[nodiscard]] std::string CanonicalJson(const Json& value);

}  // namespace penstock
