#include "operator/plan/rollout/latency_ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace penstock::rollout {
namespace {

constexpr std::size_t kRemembered = 12;  // slices that a threshold is taken from

// Where between the ends of bucket i the value x lies, 0 to 1: as if its answers were spread evenly
// over the logarithm of time.
double PlaceIn(const std::vector<double>& bounds, std::size_t i, double x) {
  if (i == 0) return x / bounds[0];
  return std::log(x / bounds[i - 1]) / std::log(bounds[i] / bounds[i - 1]);
}

// Answers that took longer than x, to the nearest whole one. Above the last bound nobody knows how
// long: `highest` says whether such answers count.
std::int64_t Beyond(const std::vector<double>& bounds, const Histogram& counts, double x,
                    bool highest) {
  const auto i =
      static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), x) - bounds.begin());
  if (i == bounds.size()) return highest ? counts.back() : 0;
  const auto later = std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                     counts.end(), std::int64_t{0});
  return later + std::llround((1 - PlaceIn(bounds, i, x)) * static_cast<double>(counts[i]));
}

}  // namespace

std::int64_t Total(const Histogram& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

double Quantile(const std::vector<double>& bounds, const Histogram& counts, double q) {
  const double wanted = q * static_cast<double>(Total(counts));
  double seen = 0;
  for (std::size_t i = 0; i < counts.size() && !bounds.empty(); ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && seen + here >= wanted) {
      if (i >= bounds.size()) return bounds.back();
      const double place = (wanted - seen) / here;
      if (i == 0) return place * bounds[0];
      return bounds[i - 1] * std::pow(bounds[i] / bounds[i - 1], place);
    }
    seen += here;
  }
  return 0;
}

LatencyRatio::LatencyRatio(double quantile, std::vector<double> ratios) : quantile_(quantile) {
  std::sort(ratios.begin(), ratios.end());
  for (const double r : ratios)
    if (questions_.empty() || questions_.back().ratio != r) questions_.push_back({r, {}, {}});
}

void LatencyRatio::Add(const std::vector<double>& bounds, const Histogram& stable,
                       const Histogram& candidate) {
  if (bounds.empty() || stable.size() != bounds.size() + 1 || candidate.size() != stable.size())
    return;
  if (bounds != bounds_) {
    before_.clear();
    bounds_ = bounds;
  }
  if (!before_.empty() && Total(candidate) > 0 && Total(stable) > 0) Compare(stable, candidate);
  before_.push_back(stable);
  if (before_.size() > kRemembered) before_.pop_front();
}

void LatencyRatio::Compare(const Histogram& stable, const Histogram& candidate) {
  Histogram past(bounds_.size() + 1, 0);
  for (const Histogram& h : before_)
    for (std::size_t i = 0; i < past.size(); ++i) past[i] += h[i];
  const double x = Quantile(bounds_, past, quantile_);
  if (x <= 0) return;
  ++slices_;
  const std::int64_t slow = Beyond(bounds_, stable, x, true);
  for (Question& q : questions_) {
    const auto p = [&](bool highest) {
      const std::int64_t hits = Beyond(bounds_, candidate, q.ratio * x, highest);
      return HypergeometricMidP(hits, Total(candidate), slow + hits,
                                Total(candidate) + Total(stable) - slow - hits);
    };
    q.above.Add(p(false));
    q.below.Add(1 - p(true));
  }
}

bool LatencyRatio::Above(double ratio, double alpha) const {
  return std::any_of(questions_.begin(), questions_.end(),
                     [&](const auto& q) { return q.ratio == ratio && q.above.Rejects(alpha); });
}

bool LatencyRatio::Below(double ratio, double alpha) const {
  return std::any_of(questions_.begin(), questions_.end(),
                     [&](const auto& q) { return q.ratio == ratio && q.below.Rejects(alpha); });
}

Interval LatencyRatio::Bounds(double alpha) const {
  Interval i{0, std::numeric_limits<double>::infinity()};
  for (const auto& q : questions_) {
    if (q.above.Rejects(alpha)) i.lower = std::max(i.lower, q.ratio);
    if (q.below.Rejects(alpha)) i.upper = std::min(i.upper, q.ratio);
  }
  return i;
}

}  // namespace penstock::rollout
