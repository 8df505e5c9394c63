#include "components/train/threshold.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace penstock::train {
namespace {

// More is better. `tp` and `fp`: weight that is decided positive.
double Worth(const ThresholdOptions& options, double tp, double fp, double positives,
             double negatives) {
  switch (options.by) {
    case ThresholdBy::kF1:
      return 2 * tp / (tp + fp + positives);
    case ThresholdBy::kAccuracy:
      return (tp + negatives - fp) / (positives + negatives);
    case ThresholdBy::kBalancedAccuracy:
    case ThresholdBy::kYouden:
      return tp / positives - fp / negatives;
    case ThresholdBy::kCost:
      return -(options.false_positive * fp + options.false_negative * (positives - tp));
    case ThresholdBy::kFixed:
      break;
  }
  return 0;
}

}  // namespace

double ChooseThreshold(const ThresholdOptions& options, std::span<const double> probability,
                       std::span<const double> y, std::span<const double> weight) {
  double positives = 0;
  double negatives = 0;
  const auto weight_of = [&](std::size_t r) { return weight.empty() ? 1.0 : weight[r]; };
  for (std::size_t r = 0; r < y.size(); ++r) {
    (y[r] > 0.5 ? positives : negatives) += weight_of(r);
  }
  if (options.by == ThresholdBy::kFixed || positives <= 0 || negatives <= 0) return options.fixed;
  std::vector<std::size_t> order(y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return probability[a] > probability[b]; });
  double best = 0;
  double best_worth = Worth(options, positives, negatives, positives, negatives);
  double tp = 0;
  double fp = 0;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    (y[order[i]] > 0.5 ? tp : fp) += weight_of(order[i]);
    const double above = probability[order[i]];
    const double below = probability[order[i + 1]];
    if (above == below) continue;
    const double threshold = (above + below) / 2;
    const double worth = Worth(options, tp, fp, positives, negatives);
    const bool nearer = std::abs(threshold - 0.5) < std::abs(best - 0.5);
    if (worth > best_worth || (worth == best_worth && nearer)) {
      best = threshold;
      best_worth = worth;
    }
  }
  return best;
}

}  // namespace penstock::train
