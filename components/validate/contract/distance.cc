#include "components/validate/contract/distance.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace penstock::validate {
namespace {

using statistics::Bucket;
using statistics::Column;
using Counts = std::map<std::string, std::pair<double, double>>;  // a value's count on either side

// NaN and the infinities are values of no side here; TFDV counts texts only.
Counts CountsOf(const Column& a, const Column& b) {
  Counts counts;
  for (const auto& [value, count] : a.top) counts[value.dump()].first = double(count);
  for (const auto& [value, count] : b.top) counts[value.dump()].second = double(count);
  return counts;
}

// A count that is not listed is between 0 and this.
double MostUnlisted(const Column& column) {
  if (column.top_complete || column.top.empty()) return 0;
  return double(column.top.back().count + column.top_error);
}

std::optional<Distance> LargestDifference(const Column& a, const Column& b, double scale_a,
                                          double scale_b) {
  if (scale_a <= 0 || scale_b <= 0 || a.top.empty() || b.top.empty()) return std::nullopt;
  Distance distance;
  for (const auto& [value, count] : CountsOf(a, b)) {
    double p = count.first / scale_a;
    double q = count.second / scale_b;
    // What is not listed on one side is taken as near to the other as it can be: a distance that is
    // said is there.
    if (count.first == 0) p = std::min(q, MostUnlisted(a) / scale_a);
    if (count.second == 0) q = std::min(p, MostUnlisted(b) / scale_b);
    if (std::abs(p - q) > distance.value || distance.where.empty()) {
      distance.value = std::abs(p - q);
      distance.where = value;
    }
  }
  distance.error = std::max((MostUnlisted(a) + double(a.top_error)) / scale_a,
                            (MostUnlisted(b) + double(b.top_error)) / scale_b);
  return distance;
}

double Divergence(const std::vector<std::pair<double, double>>& masses) {
  double total_a = 0;
  double total_b = 0;
  for (const auto& [a, b] : masses) {
    total_a += a;
    total_b += b;
  }
  double sum = 0;
  for (const auto& [a, b] : masses) {
    const double p = a / total_a;
    const double q = b / total_b;
    const double m = (p + q) / 2;
    if (p > 0) sum += p * std::log2(p / m);
    if (q > 0) sum += q * std::log2(q / m);
  }
  return std::clamp(sum / 2, 0.0, 1.0);
}

// The mass of a histogram between two of the union's edges.
double MassBetween(const std::vector<Bucket>& buckets, double low, double high) {
  double mass = 0;
  for (const auto& bucket : buckets) {
    const double width = bucket.high - bucket.low;
    const double from = std::max(low, bucket.low);
    const double to = std::min(high, bucket.high);
    if (width > 0 && to > from) mass += bucket.count * ((to - from) / width);
  }
  return mass;
}

std::vector<std::pair<double, double>> Aligned(const Column& a, const Column& b) {
  std::set<double> edges;
  std::map<double, std::pair<double, double>> points;
  for (const Column* side : {&a, &b}) {
    if (!side->numbers) continue;
    for (const auto& bucket : side->numbers->histogram) {
      if (bucket.high > bucket.low) {
        edges.insert({bucket.low, bucket.high});
      } else {
        auto& [of_a, of_b] = points[bucket.low];
        (side == &a ? of_a : of_b) += bucket.count;
      }
    }
  }
  const auto buckets = [](const Column& side) {
    return side.numbers ? side.numbers->histogram : std::vector<Bucket>();
  };
  std::vector<std::pair<double, double>> masses;
  for (auto at = edges.begin(); at != edges.end() && std::next(at) != edges.end(); ++at) {
    masses.emplace_back(MassBetween(buckets(a), *at, *std::next(at)),
                        MassBetween(buckets(b), *at, *std::next(at)));
  }
  for (const auto& [value, counts] : points) masses.push_back(counts);
  const auto apart = [&masses](std::int64_t of_a, std::int64_t of_b) {
    if (of_a > 0) masses.emplace_back(double(of_a), 0.0);
    if (of_b > 0) masses.emplace_back(0.0, double(of_b));
  };
  apart(a.positive_infinite + a.negative_infinite, b.positive_infinite + b.negative_infinite);
  apart(a.nan, b.nan);
  return masses;
}

}  // namespace

std::optional<Distance> InfinityNorm(const Column& a, const Column& b) {
  return LargestDifference(a, b, double(a.count()), double(b.count()));
}

std::optional<Distance> NormalizedAbsoluteDifference(const Column& a, const Column& b) {
  const double both = double(a.count() + b.count());
  return LargestDifference(a, b, both, both);
}

std::optional<Distance> JensenShannon(const Column& a, const Column& b) {
  std::vector<std::pair<double, double>> masses;
  const bool numbers = a.kind == statistics::Kind::kNumber || a.kind == statistics::Kind::kTime;
  if (numbers) {
    if (b.kind != a.kind) return std::nullopt;
    masses = Aligned(a, b);
  } else {
    std::pair rest(double(a.count()), double(b.count()));
    for (const auto& [value, counts] : CountsOf(a, b)) {
      masses.push_back(counts);
      rest.first -= counts.first;
      rest.second -= counts.second;
    }
    // What is not listed counts as one value: the divergence is at least this.
    masses.emplace_back(std::max(rest.first, 0.0), std::max(rest.second, 0.0));
  }
  double of_a = 0;
  double of_b = 0;
  for (const auto& [x, y] : masses) {
    of_a += x;
    of_b += y;
  }
  if (of_a <= 0 || of_b <= 0) return std::nullopt;
  return Distance{.value = Divergence(masses)};
}

}  // namespace penstock::validate
