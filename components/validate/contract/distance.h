// How far two columns are apart, by TFDV's formulas on statistics. Pure.
//
// Let p and q be the shares of a value (or of a bucket) on either side.
//   infinityNorm                 max |p - q| over the values
//   normalizedAbsoluteDifference the same with counts over the sum of both sides' counts
//   jensenShannon                (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2 and logarithms to
//                                base 2: 0 for equal sides, 1 for disjoint ones (Lin, "Divergence
//                                measures based on the Shannon entropy", 1991)
//
// Numbers are compared by their histograms of equal width: cut at the union of both sides' edges,
// with the mass of a bucket spread evenly over it; a bucket without width is a value of its own, as
// are NaN and the infinities, which are no mass that both sides share.
#pragma once

#include <optional>
#include <string>

#include "components/statistics/summary/statistics.h"
#include "operator/base/result.h"

namespace penstock::validate {

struct Distance {
  double value = 0;
  std::string where = {};  // the value that differs most, as JSON; empty for histograms
  double error = 0;  // the true distance is at most so much more: of values that are not listed
};

// Of texts, booleans and integers by their listed values. Nothing where a side has no value, or
// where the columns have none to list.
[[nodiscard]] std::optional<Distance> InfinityNorm(const statistics::Column& a,
                                                   const statistics::Column& b);
[[nodiscard]] std::optional<Distance> NormalizedAbsoluteDifference(const statistics::Column& a,
                                                                   const statistics::Column& b);
// Numbers and times by their histograms, others by their listed values.
[[nodiscard]] std::optional<Distance> JensenShannon(const statistics::Column& a,
                                                    const statistics::Column& b);

}  // namespace penstock::validate
