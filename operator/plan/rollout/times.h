// How long two versions took for one thing, since a step began: the whole time that they grow by is
// cut into slices, in which the two are compared. A value. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/time.h"
#include "operator/plan/rollout/latency_ratio.h"

namespace penstock::rollout {

class Times {
 public:
  // A gate that compares the two by `quantile`, against `ratio`.
  void Compare(const std::string& gate, double quantile, double ratio);

  // What one source counts by these bounds, now and at its last word (empty: not yet). Bounds that
  // are none, and counts that do not fit them, say nothing; other bounds than before begin anew,
  // but of the stable version say nothing where the candidate has told its own. A source that
  // counts less than before, of any time, counts from zero.
  void Add(const std::vector<double>& bounds, bool candidate, const Histogram& now,
           const Histogram& before);
  // A slice ends when it is five seconds old and has twenty answers of the candidate.
  void CloseSlice(TimePoint now);

  [[nodiscard]] const std::vector<double>& bounds() const { return bounds_; }  // seconds
  [[nodiscard]] const Histogram& stable() const { return stable_; }
  [[nodiscard]] const Histogram& candidate() const { return candidate_; }
  // Null: the gate compares nothing here.
  [[nodiscard]] const LatencyRatio* Ratio(const std::string& gate) const;

 private:
  std::vector<double> bounds_;
  bool candidate_told_ = false;  // by these bounds
  Histogram stable_;
  Histogram candidate_;
  Histogram stable_slice_;
  Histogram candidate_slice_;
  std::optional<TimePoint> slice_since_;
  std::map<std::string, LatencyRatio> ratios_;
};

}  // namespace penstock::rollout
