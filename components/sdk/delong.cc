#include "components/sdk/delong.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace penstock::sdk {
namespace {

// Ranks from 1; ties share their mean.
std::vector<double> MidRanks(const std::vector<float>& values) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t x, std::uint32_t y) { return values[x] < values[y]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t j = i;
    while (j < order.size() && values[order[j]] == values[order[i]]) ++j;
    for (std::size_t k = i; k < j; ++k) ranks[order[k]] = (double(i + 1) + double(j)) / 2;
    i = j;
  }
  return ranks;
}

// The structural components: for each positive the share of negatives below it, and the reverse.
struct Components {
  std::vector<double> positives;
  std::vector<double> negatives;
  double auc = 0;
};

Components ComponentsOf(std::span<const float> scores, std::span<const std::uint8_t> positive) {
  std::vector<float> of_positives;
  std::vector<float> of_negatives;
  for (std::size_t r = 0; r < scores.size(); ++r) {
    (positive[r] != 0 ? of_positives : of_negatives).push_back(scores[r]);
  }
  std::vector<float> all = of_positives;
  all.insert(all.end(), of_negatives.begin(), of_negatives.end());
  const auto rank = MidRanks(all);
  const auto rank_p = MidRanks(of_positives);
  const auto rank_n = MidRanks(of_negatives);
  const auto m = double(of_positives.size());
  const auto n = double(of_negatives.size());
  Components c;
  for (std::size_t i = 0; i < of_positives.size(); ++i) {
    c.positives.push_back((rank[i] - rank_p[i]) / n);
    c.auc += c.positives.back() / m;
  }
  for (std::size_t i = 0; i < of_negatives.size(); ++i) {
    c.negatives.push_back(1 - (rank[of_positives.size() + i] - rank_n[i]) / m);
  }
  return c;
}

// Sample variance divided by the count.
double VarianceOfMean(const std::vector<double>& values) {
  const auto n = double(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / (n - 1) / n;
}

constexpr std::size_t kNearlyNormal = 1000;  // degrees of freedom

// The share of Student's t below a value: Abramowitz, Stegun, Handbook of Mathematical Functions,
// 26.7.3 and 26.7.4.
double StudentShare(double t, std::size_t freedom) {
  const double angle = std::atan(t / std::sqrt(double(freedom)));
  const double square = std::cos(angle) * std::cos(angle);
  const bool odd = freedom % 2 == 1;
  double sum = 0;
  double term = odd ? std::cos(angle) : 1;
  for (std::size_t k = odd ? 1 : 0; k + 2 <= freedom; k += 2) {
    sum += term;
    term *= square * double(k + 1) / double(k + 2);
  }
  const double within =
      odd ? (angle + std::sin(angle) * sum) * 2 / std::numbers::pi : std::sin(angle) * sum;
  return (1 + within) / 2;
}

std::vector<double> Difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

}  // namespace

AucDifference CompareAucs(std::span<const float> a, std::span<const float> b,
                          std::span<const std::uint8_t> positive) {
  const Components ca = ComponentsOf(a, positive);
  const Components cb = ComponentsOf(b, positive);
  const double variance = VarianceOfMean(Difference(ca.positives, cb.positives)) +
                          VarianceOfMean(Difference(ca.negatives, cb.negatives));
  return {ca.auc, cb.auc, std::sqrt(std::max(0.0, variance))};
}

double AucStandardError(std::span<const float> scores, std::span<const std::uint8_t> positive) {
  const Components c = ComponentsOf(scores, positive);
  return std::sqrt(VarianceOfMean(c.positives) + VarianceOfMean(c.negatives));
}

// Bisection on erfc: slow, exact enough and without constants to get wrong.
double NormalQuantile(double p) {
  double low = -40;
  double high = 40;
  while (high - low > 1e-10) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

double StudentTail(double t, std::size_t freedom) {
  if (freedom > kNearlyNormal) return 0.5 * std::erfc(t / std::sqrt(2.0));
  return std::clamp(1 - StudentShare(t, freedom), 0.0, 1.0);
}

double StudentQuantile(double p, std::size_t freedom) {
  if (freedom > kNearlyNormal) {
    const double z = NormalQuantile(p);
    return z + (z * z * z + z) / (4 * double(freedom));
  }
  double low = -1e6;
  double high = 1e6;
  while (high - low > 1e-10 * std::max(1.0, std::abs(low))) {
    const double middle = (low + high) / 2;
    (StudentShare(middle, freedom) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace penstock::sdk
