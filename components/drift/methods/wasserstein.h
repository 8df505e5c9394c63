// The Wasserstein distance of order 1 between two samples: how far their mass must be moved. Pure.
//
//   W1 = integral of |F(x) - G(x)| dx
//
// (Vallender, "Calculation of the Wasserstein distance between probability distributions on the
// line", 1974; scipy.stats.wasserstein_distance.) Normed, it is in standard deviations of the
// reference (of the population), which count as at least 0.001.
#pragma once

#include <span>

namespace penstock::drift {

// Both ascending, finite, not empty.
[[nodiscard]] double Wasserstein(std::span<const double> a, std::span<const double> b);
[[nodiscard]] double NormedWasserstein(std::span<const double> reference,
                                       std::span<const double> current);

}  // namespace penstock::drift
