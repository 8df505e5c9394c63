// The JSON type's name, without its 25,000 lines.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace penstock {
using Json = nlohmann::json;
}  // namespace penstock
