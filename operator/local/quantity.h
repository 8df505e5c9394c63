// Kubernetes quantities ("500m", "2", "1.5Gi", "1e3") as the process runner needs them: milli-units
// for CPU, whole units for everything else. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "operator/base/result.h"

namespace penstock::local {

// In thousandths, rounded up, as the API server does. Invalid for text that is no quantity, for a
// negative one and for more than 2^63 thousandths.
[[nodiscard]] Result<std::int64_t> ParseMilliQuantity(std::string_view text);

// In whole units, rounded up.
[[nodiscard]] Result<std::int64_t> ParseQuantity(std::string_view text);

}  // namespace penstock::local
