// Whether a candidate answers slower than the stable version, in the same minutes. Pure.
//
// Load changes by the hour and both versions feel it, so that only answers of one short slice of
// time are compared, slice by slice. The question for a ratio r: are the candidate's latencies,
// divided by r, no longer than the stable one's (in distribution, around the quantile)? In each
// slice the answers beyond a threshold are counted, the stable version's x and the candidate's r x.
// Under the null the candidate's share of them is what drawing without putting back gives, or less:
// a mid-p value of mean 1/2 or more, on which Betting bets. The threshold is the stable version's
// quantile of the slices before, so that a slice's own answers have no say in it. One slice doubles
// the evidence at most: a pause of one pod that slows a hundred answers is one observation.
//
// Within a bucket answers count as spread evenly over the logarithm of time: a verdict may be wrong
// by one bucket of the router's histogram, never about two versions that are alike (for r >= 1 the
// candidate's count at r x is not above its count at x, whatever is in a bucket).
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "operator/plan/rollout/confidence.h"

namespace penstock::rollout {

// Counts by bucket; the last is above the last bound.
using Histogram = std::vector<std::int64_t>;

// In seconds, of a histogram with `bounds` (ascending, seconds); 0 where there are no answers.
[[nodiscard]] double Quantile(const std::vector<double>& bounds, const Histogram& counts, double q);
[[nodiscard]] std::int64_t Total(const Histogram& counts);

class LatencyRatio {
 public:
  // `quantile`: 0.95 for P95. `ratios`: that can be asked for.
  LatencyRatio(double quantile, std::vector<double> ratios);

  // One slice; both histograms of `bounds`. Bounds that changed begin anew.
  void Add(const std::vector<double>& bounds, const Histogram& stable, const Histogram& candidate);

  // The candidate is surely slower than `ratio` times the stable one; surely is not. Each is wrong
  // with probability `alpha` at most. `ratio` is one of those that it was made with.
  [[nodiscard]] bool Above(double ratio, double alpha) const;
  [[nodiscard]] bool Below(double ratio, double alpha) const;
  // For people: the highest ratio that it is above, the lowest that it is below; 0, infinity: none.
  [[nodiscard]] Interval Bounds(double alpha) const;
  [[nodiscard]] int Slices() const { return slices_; }

 private:
  struct Question {
    double ratio = 1;
    Betting above;
    Betting below;
  };

  void Compare(const Histogram& stable, const Histogram& candidate);

  double quantile_;
  std::vector<Question> questions_;
  std::vector<double> bounds_;
  std::deque<Histogram> before_;  // the stable version's last slices
  int slices_ = 0;                // that were compared
};

}  // namespace penstock::rollout
