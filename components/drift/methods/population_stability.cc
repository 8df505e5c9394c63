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

std::vector<double> QuantileEdges(const Runs& sample, int bins) {
  std::vector<double> edges;
  for (int b = 1; b < bins; ++b) {
    const double at = double(b) / bins * double(sample.total() - 1);
    const auto below = std::int64_t(at);
    const double low = sample.At(below);
    const double high = sample.At(std::min(below + 1, sample.total() - 1));
    const double part = at - double(below);
    const double edge = low == high ? low : low * (1 - part) + high * part;
    if (edges.empty() || edge > edges.back()) edges.push_back(edge);
  }
  return edges;
}

std::vector<std::int64_t> CountBetween(const Runs& sample, std::span<const double> edges) {
  std::vector<std::int64_t> counts;
  counts.reserve(edges.size() + 1);
  std::int64_t from = 0;
  for (const double edge : edges) {
    const std::int64_t to = sample.Below(edge);
    counts.push_back(to - from);
    from = to;
  }
  counts.push_back(sample.total() - from);
  return counts;
}

}  // namespace penstock::drift
