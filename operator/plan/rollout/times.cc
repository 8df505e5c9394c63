#include "operator/plan/rollout/times.h"

#include <algorithm>
#include <functional>

#include "operator/plan/rollout/gate.h"

namespace penstock::rollout {
namespace {

constexpr Milliseconds kSlice{5'000};
constexpr std::int64_t kLeastInSlice = 20;  // answers of the candidate; fewer wait for more

bool AreBounds(const std::vector<double>& bounds) {
  return !bounds.empty() && bounds.front() > 0 &&
         std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end();
}

}  // namespace

void Times::Compare(const std::string& gate, double quantile, double ratio) {
  ratios_.emplace(gate, LatencyRatio(quantile, RatiosAround(ratio)));
}

void Times::Add(const std::vector<double>& bounds, bool candidate, const Histogram& now,
                const Histogram& before) {
  if (!AreBounds(bounds) || now.size() != bounds.size() + 1) return;
  if (bounds != bounds_) {  // of another release
    // Beginning anew at each word of the one would throw away what the other has counted.
    if (!candidate && candidate_told_) return;
    bounds_ = bounds;
    for (Histogram* h : {&stable_, &candidate_, &stable_slice_, &candidate_slice_})
      h->assign(bounds_.size() + 1, 0);
  }
  candidate_told_ |= candidate;
  const bool anew = now.size() != before.size() ||
                    !std::equal(now.begin(), now.end(), before.begin(), std::greater_equal<>());
  Histogram& all = candidate ? candidate_ : stable_;
  Histogram& slice = candidate ? candidate_slice_ : stable_slice_;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const std::int64_t more = std::max<std::int64_t>(anew ? now[i] : now[i] - before[i], 0);
    all[i] += more;
    slice[i] += more;
  }
}

void Times::CloseSlice(TimePoint now) {
  if (!slice_since_) slice_since_ = now;
  if (now - *slice_since_ < kSlice || Total(candidate_slice_) < kLeastInSlice) return;
  for (auto& [gate, ratio] : ratios_) ratio.Add(bounds_, stable_slice_, candidate_slice_);
  stable_slice_.assign(bounds_.size() + 1, 0);
  candidate_slice_.assign(bounds_.size() + 1, 0);
  slice_since_ = now;
}

const LatencyRatio* Times::Ratio(const std::string& gate) const {
  const auto it = ratios_.find(gate);
  return it == ratios_.end() ? nullptr : &it->second;
}

}  // namespace penstock::rollout
