// The Wasserstein distance of order 1 between two samples: how far their mass must be moved. Pure.
//
//   W1 = integral of |F(x) - G(x)| dx
//
// (Vallender, "Calculation of the Wasserstein distance between probability distributions on the
// line", 1974; scipy.stats.wasserstein_distance.) Normed, it is in standard deviations of the
// reference (of the population), which count as at least 0.001.
#pragma once

#include "components/drift/methods/runs.h"

namespace penstock::drift {

// Neither is empty.
[[nodiscard]] double Wasserstein(const Runs& a, const Runs& b);
// `deviation`: the reference's.
[[nodiscard]] double NormedWasserstein(double wasserstein, double deviation);

}  // namespace penstock::drift
