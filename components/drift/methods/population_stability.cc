#include "components/drift/methods/population_stability.h"

#include <algorithm>
#include <cmath>

namespace penstock::drift {
namespace {

constexpr double kLeastShare = 1e-4;

}  // namespace

Stability PopulationStability(std::span<const std::int64_t> reference,
                              std::span<const std::int64_t> current) {
  const double all_e = Total(reference);
  const double all_a = Total(current);
  Stability stability;
  double most = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double e = double(reference[i]) / all_e;
    const double a = double(current[i]) / all_a;
    const double part = (a - e) * std::log(std::max(a, kLeastShare) / std::max(e, kLeastShare));
    stability.value += part;
    if (part > most) {
      most = part;
      stability.at = i;
    }
  }
  return stability;
}

std::vector<double> QuantileEdges(std::span<const double> sorted, int bins) {
  std::vector<double> edges;
  for (int b = 1; b < bins; ++b) {
    const double at = double(b) / bins * double(sorted.size() - 1);
    const auto below = std::size_t(at);
    const double low = sorted[below];
    const double high = sorted[std::min(below + 1, sorted.size() - 1)];
    const double part = at - double(below);
    const double edge = low == high ? low : low * (1 - part) + high * part;
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  return edges;
}

std::vector<std::int64_t> CountBetween(std::span<const double> sorted,
                                       std::span<const double> edges) {
  std::vector<std::int64_t> counts;
  counts.reserve(edges.size() + 1);
  auto from = sorted.begin();
  for (const double edge : edges) {
    const auto to = std::lower_bound(from, sorted.end(), edge);
    counts.push_back(to - from);
    from = to;
  }
  counts.push_back(sorted.end() - from);
  return counts;
}

}  // namespace penstock::drift
