#include "components/evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>

namespace penstock::evaluate {
namespace {

// Metrics of which all rows are in order, or decided alike, would be the same in every resample:
// such an interval of no width says nothing.
bool IsOfWidth(const sdk::Interval& interval) { return interval.low < interval.high; }

std::vector<std::uint32_t> AllRows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

// The value below which this share of the sorted values lies.
double QuantileOf(const std::vector<double>& sorted, double share) {
  const double at = share * double(sorted.size() - 1);
  const auto below = std::size_t(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::vector<double> Resample(std::size_t rows, int number) {
  std::mt19937_64 random(0x9e3779b97f4a7c15ULL + std::uint64_t(number));
  std::vector<double> counts(rows, 0);
  for (std::size_t i = 0; i < rows; ++i) {
    // The upper bits of a product: std's distributions differ between libraries.
    counts[std::size_t((random() >> 32U) * std::uint64_t(rows) >> 32U)] += 1;
  }
  return counts;
}

void AddBootstrapIntervals(const Scored& scored, std::span<const std::uint32_t> rows,
                           double confidence, double budget, sdk::Metrics* metrics) {
  constexpr std::size_t kLeastRows = 20;
  std::map<std::string, std::vector<double>> values;
  for (const auto& [name, metric] : *metrics) {
    if (metric.defined() && !metric.interval) values[name];
  }
  const std::vector<std::uint32_t> chosen =
      rows.empty() ? AllRows(scored.labels.size())
                   : std::vector<std::uint32_t>(rows.begin(), rows.end());
  const std::size_t n = chosen.size();
  // Of more than four classes each costs about a quarter of what two cost.
  const double cost = double(n) * std::max(1.0, double(scored.manifest.RawWidth()) / 4);
  const int resamples = int(std::min(double(kMostResamples), budget / cost));
  if (values.empty() || confidence <= 0 || n < kLeastRows || resamples < kLeastResamples) return;
  std::vector<double> weights(scored.labels.size(), 0);
  std::vector<std::uint32_t> drawn;
  for (int b = 0; b < resamples; ++b) {
    const std::vector<double> counts = Resample(n, b);
    drawn.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (counts[i] == 0) continue;
      drawn.push_back(chosen[i]);
      weights[chosen[i]] = counts[i] * (scored.weights.empty() ? 1 : scored.weights[chosen[i]]);
    }
    const sdk::Judged judged = {scored.raw, scored.labels, scored.exact, weights};
    for (const auto& [name, metric] : sdk::Measure(scored.manifest, judged, drawn)) {
      if (const auto at = values.find(name); at != values.end() && metric.defined()) {
        at->second.push_back(metric.value);
      }
    }
  }
  for (auto& [name, of] : values) {
    if (double(of.size()) < 0.9 * resamples) continue;
    std::sort(of.begin(), of.end());
    const sdk::Interval interval = {QuantileOf(of, (1 - confidence) / 2),
                                    QuantileOf(of, (1 + confidence) / 2)};
    if (IsOfWidth(interval)) (*metrics)[name].interval = interval;
  }
}

}  // namespace penstock::evaluate
