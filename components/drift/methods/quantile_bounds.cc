#include "components/drift/methods/quantile_bounds.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace penstock::drift {
namespace {

struct Range {
  double low = 0;
  double high = 0;
};

// The share of all rows up to x.
Range ShareUpTo(const KnownQuantiles& known, double x) {
  const auto& q = known.quantiles;
  if (q.empty() || x < q.front()) return {0, 0};
  if (x >= q.back()) return {known.share, known.share};
  const auto steps = double(q.size() - 1);
  const auto at = double(std::upper_bound(q.begin(), q.end(), x) - q.begin() - 1);
  const double low = std::max(0.0, at / steps - known.rank_error);
  const double high = std::min(1.0, (at + 1) / steps + known.rank_error);
  return {low * known.share, high * known.share};
}

}  // namespace

KsBounds BoundKs(const KnownQuantiles& a, const KnownQuantiles& b) {
  std::vector<double> places(a.quantiles.begin(), a.quantiles.end());
  places.insert(places.end(), b.quantiles.begin(), b.quantiles.end());
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  KsBounds bounds;
  for (const double x : places) {
    const Range of_a = ShareUpTo(a, x);
    const Range of_b = ShareUpTo(b, x);
    bounds.most = std::max({bounds.most, of_a.high - of_b.low, of_b.high - of_a.low});
    const bool a_is_more = of_a.low - of_b.high >= of_b.low - of_a.high;
    const double least = a_is_more ? of_a.low - of_b.high : of_b.low - of_a.high;
    if (least <= bounds.least) continue;
    bounds.least = least;
    bounds.at = x;
    bounds.share_a = a_is_more ? of_a.low : of_a.high;
    bounds.share_b = a_is_more ? of_b.high : of_b.low;
  }
  return bounds;
}

}  // namespace penstock::drift
