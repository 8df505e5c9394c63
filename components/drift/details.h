// What the methods that do not decide say of a column. Pure.
#pragma once

#include "components/drift/bins.h"
#include "operator/base/json.h"

namespace penstock::drift {

// Of the finite values: ks {value, p, exact, at}, wasserstein and wassersteinNormed, jensenShannon
// over ten bins of equal width and as TFDV re-buckets two histograms; psi over the ten quantile
// bins of the reference and one for each of null, NaN, infinite, -infinite; both sides' mean, std,
// min, median, max. What needs values that a side lacks is left out.
[[nodiscard]] Json NumberMethods(const Sorted& reference, const Sorted& current);

// Over all values, null among them: lInfinity {value, at}, normalizedAbsoluteDifference,
// jensenShannon, psi, chiSquared {value, degrees, p, cramersV}; newValues and goneValues {count,
// share, first}: those that only one side has.
[[nodiscard]] Json CategoryMethods(const Dictionary& dictionary, const CodeCounts& counts);

// lInfinity, jensenShannon, psi and chiSquared over the bins; both sides' first and last time.
[[nodiscard]] Json ClockMethods(const ColumnValues& column, const Bins& bins);

}  // namespace penstock::drift
