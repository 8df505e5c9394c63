// Many tests at once. Pure.
#pragma once

#include <vector>

namespace penstock::drift {

// Benjamini and Hochberg ("Controlling the false discovery rate", 1995): of the p of each test the
// least level of false discoveries at which it would be one (statsmodels multipletests, fdr_bh).
// The order is kept.
[[nodiscard]] std::vector<double> AdjustedP(const std::vector<double>& p);

}  // namespace penstock::drift
