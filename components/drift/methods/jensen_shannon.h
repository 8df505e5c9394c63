// The Jensen-Shannon divergence, base 2. Pure.
//
//   JS(P, Q) = (KL(P || M) + KL(Q || M)) / 2,  M = (P + Q) / 2,  KL(P || Q) = sum p log2(p / q)
//
// (Lin, "Divergence measures based on the Shannon entropy", 1991.) In [0, 1]; its square root is a
// distance (Endres, Schindelin, "A new metric for probability distributions", 2003), which is what
// scipy.spatial.distance.jensenshannon gives.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "components/drift/methods/runs.h"

namespace penstock::drift {

// Masses by bin, as many in both, none negative; sums above 0, which are divided by.
[[nodiscard]] double JensenShannon(std::span<const double> p, std::span<const double> q);
[[nodiscard]] double JensenShannon(std::span<const std::int64_t> p,
                                   std::span<const std::int64_t> q);

// A histogram that was made without knowing the other one.
struct Bucket {
  double low = 0;
  double high = 0;  // equal to low: all its mass is at that point
  double mass = 0;
};
struct Histogram {
  std::vector<Bucket> buckets;  // ascending, not overlapping
  double nan = 0;
};

// As TensorFlow Data Validation compares two: both are cut at the boundaries of either, a bucket's
// mass spread evenly over it; mass at a point stays apart and meets only mass at the same point;
// mass of buckets with an infinite end, and of NaN, counts as different from everything of the
// other. 0 where either has no mass.
[[nodiscard]] double JensenShannonRebucketed(const Histogram& a, const Histogram& b);

// `buckets` of equal width between the least and the largest value, the last one closed at both
// ends: TFDV's standard histogram. One point where all are equal.
[[nodiscard]] Histogram EqualWidth(const Runs& sample, int buckets);

// Counts of the values in `bins` of equal width over [low, high], low < high.
[[nodiscard]] std::vector<std::int64_t> CountEqualWidth(const Runs& sample, double low, double high,
                                                        int bins);

}  // namespace penstock::drift
