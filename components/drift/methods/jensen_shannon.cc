#include "components/drift/methods/jensen_shannon.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace penstock::drift {
namespace {

template <typename T>
double Divergence(std::span<const T> p, std::span<const T> q) {
  double all_p = 0;
  double all_q = 0;
  for (const T x : p) all_p += double(x);
  for (const T x : q) all_q += double(x);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = double(p[i]) / all_p;
    const double b = double(q[i]) / all_q;
    const double middle = (a + b) / 2;
    if (a > 0) sum += a * std::log2(a / middle);
    if (b > 0) sum += b * std::log2(b / middle);
  }
  return std::clamp(sum / 2, 0.0, 1.0);  // rounding may leave it a little outside
}

// What of a histogram is neither a point nor without an end, and what is.
struct Parts {
  std::vector<Bucket> wide;
  std::map<double, double> points;
  double endless = 0;
};

Parts Apart(const Histogram& histogram) {
  Parts parts;
  for (const Bucket& bucket : histogram.buckets) {
    if (!std::isfinite(bucket.low) || !std::isfinite(bucket.high)) {
      parts.endless += bucket.mass;
    } else if (bucket.low == bucket.high) {
      parts.points[bucket.low] += bucket.mass;
    } else {
      parts.wide.push_back(bucket);
    }
  }
  return parts;
}

// The mass between each two neighbours of `edges`, which hold all ends of the buckets.
void Spread(const std::vector<Bucket>& buckets, const std::vector<double>& edges,
            std::vector<double>& masses) {
  const std::size_t first = masses.size();
  masses.resize(first + (edges.empty() ? 0 : edges.size() - 1), 0);
  for (const Bucket& bucket : buckets) {
    auto at = std::size_t(std::lower_bound(edges.begin(), edges.end(), bucket.low) - edges.begin());
    for (; edges[at] < bucket.high; ++at) {
      masses[first + at] +=
          bucket.mass * ((edges[at + 1] - edges[at]) / (bucket.high - bucket.low));
    }
  }
}

void AddPoints(const std::map<double, double>& own, const std::set<double>& all,
               std::vector<double>& masses) {
  for (const double point : all) {
    const auto found = own.find(point);
    masses.push_back(found == own.end() ? 0 : found->second);
  }
}

}  // namespace

double JensenShannon(std::span<const double> p, std::span<const double> q) {
  return Divergence(p, q);
}
double JensenShannon(std::span<const std::int64_t> p, std::span<const std::int64_t> q) {
  return Divergence(p, q);
}

double JensenShannonRebucketed(const Histogram& a, const Histogram& b) {
  const Parts parts_a = Apart(a);
  const Parts parts_b = Apart(b);
  std::set<double> ends;
  std::set<double> points;
  for (const Parts* parts : {&parts_a, &parts_b}) {
    for (const Bucket& bucket : parts->wide) ends.insert({bucket.low, bucket.high});
    for (const auto& [point, mass] : parts->points) points.insert(point);
  }
  const std::vector<double> edges(ends.begin(), ends.end());
  std::vector<double> p;
  std::vector<double> q;
  Spread(parts_a.wide, edges, p);
  Spread(parts_b.wide, edges, q);
  AddPoints(parts_a.points, points, p);
  AddPoints(parts_b.points, points, q);
  // Each in a bin of its own, where the other has nothing.
  p.insert(p.end(), {parts_a.endless, 0, a.nan, 0});
  q.insert(q.end(), {0, parts_b.endless, 0, b.nan});
  const double all_p = std::accumulate(p.begin(), p.end(), 0.0);
  const double all_q = std::accumulate(q.begin(), q.end(), 0.0);
  return all_p > 0 && all_q > 0 ? JensenShannon(p, q) : 0;
}

std::vector<std::int64_t> CountEqualWidth(const Runs& sample, double low, double high, int bins) {
  std::vector<std::int64_t> counts(std::size_t(bins), 0);
  std::int64_t from = sample.Below(low);
  for (int i = 0; i < bins; ++i) {
    // Halves first: the difference of two finite numbers may be none.
    const double share = double(i + 1) / bins;
    const double edge = low * (1 - share) + high * share;
    const double end = i + 1 == bins ? std::nextafter(high, HUGE_VAL) : edge;
    const std::int64_t to = std::max(from, sample.Below(end));
    counts[std::size_t(i)] = to - from;
    from = to;
  }
  return counts;
}

Histogram EqualWidth(const Runs& sample, int buckets) {
  Histogram histogram;
  if (sample.empty()) return histogram;
  const double low = sample.front();
  const double high = sample.back();
  if (low == high) {
    histogram.buckets.push_back({low, high, double(sample.total())});
    return histogram;
  }
  const auto counts = CountEqualWidth(sample, low, high, buckets);
  double from = low;
  for (int i = 0; i < buckets; ++i) {
    const double share = double(i + 1) / buckets;
    const double to = i + 1 == buckets ? high : low * (1 - share) + high * share;
    histogram.buckets.push_back({from, to, double(counts[std::size_t(i)])});
    from = to;
  }
  return histogram;
}

}  // namespace penstock::drift
