// The quantile of the standard normal distribution. Pure.
#pragma once

namespace penstock::transform {

// For a share within (0, 1), to about 1e-16: Wichura, "Algorithm AS 241: The percentage points of
// the normal distribution", Applied Statistics 37(3), 1988, PPND16.
[[nodiscard]] double NormalQuantile(double share);

}  // namespace penstock::transform
