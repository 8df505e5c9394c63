#include "components/audit/leakage/dependence.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "components/sdk/row_hash.h"

namespace penstock::audit {
namespace {

double LogFactorial(double n) { return std::lgamma(n + 1); }

struct Pair {
  double x;
  double y;
};

std::vector<Pair> KnownPairs(std::span<const double> x, std::span<const double> y) {
  std::vector<Pair> pairs;
  for (std::size_t r = 0; r < x.size(); ++r) {
    if (x[r] == x[r] && y[r] == y[r]) pairs.push_back({x[r], y[r]});
  }
  return pairs;
}

// log of the number of ways to give n rows the levels of x in these numbers.
template <typename Same>
double LogArrangements(const std::vector<Pair>& sorted, Same same) {
  double log = LogFactorial(double(sorted.size()));
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && same(sorted[begin], sorted[end])) ++end;
    log -= LogFactorial(double(end - begin));
    begin = end;
  }
  return log;
}

// `pairs` rise in x and y. log of the arrangements of x without discord: within rows of equal y
// those of x may change places.
double LogWithoutDiscord(const std::vector<Pair>& pairs) {
  double log = 0;
  for (std::size_t begin = 0; begin < pairs.size();) {
    std::size_t end = begin;
    while (end < pairs.size() && pairs[begin].y == pairs[end].y) ++end;
    const std::vector<Pair> block(pairs.begin() + std::ptrdiff_t(begin),
                                  pairs.begin() + std::ptrdiff_t(end));
    log += LogArrangements(block, [](const Pair& a, const Pair& b) { return a.x == b.x; });
    begin = end;
  }
  return log;
}

// Sorts by x, then y; false where a smaller x has a larger y.
bool SortWithoutDiscord(std::vector<Pair>* pairs) {
  std::sort(pairs->begin(), pairs->end(),
            [](const Pair& a, const Pair& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  for (std::size_t r = 1; r < pairs->size(); ++r) {
    if ((*pairs)[r].y < (*pairs)[r - 1].y) return false;
  }
  return true;
}

double ChanceOf(const std::vector<Pair>& pairs, double log_orders) {
  const double all =
      LogArrangements(pairs, [](const Pair& a, const Pair& b) { return a.x == b.x; });
  return std::min(0.0, (log_orders + LogWithoutDiscord(pairs) - all) / std::log(10));
}

}  // namespace

std::optional<Order> OrderOf(std::span<const double> x, std::span<const double> y) {
  auto pairs = KnownPairs(x, y);
  const auto differs = [&](auto of) {
    return std::any_of(pairs.begin(), pairs.end(),
                       [&](const Pair& p) { return of(p) != of(pairs.front()); });
  };
  if (!differs([](const Pair& p) { return p.x; }) || !differs([](const Pair& p) { return p.y; })) {
    return std::nullopt;
  }
  for (const bool falling : {false, true}) {
    if (falling) {
      for (auto& pair : pairs) pair.y = -pair.y;
    }
    if (!SortWithoutDiscord(&pairs)) continue;
    return Order{falling, ChanceOf(pairs, std::log(2))};
  }
  return std::nullopt;
}

std::optional<double> RangesChance(std::span<const std::uint32_t> codes, std::uint32_t levels,
                                   std::span<const double> y) {
  struct Range {
    double low = INFINITY;
    double high = -INFINITY;
  };
  std::vector<Range> ranges(levels);
  for (std::size_t r = 0; r < codes.size(); ++r) {
    if (y[r] != y[r]) continue;
    ranges[codes[r]].low = std::min(ranges[codes[r]].low, y[r]);
    ranges[codes[r]].high = std::max(ranges[codes[r]].high, y[r]);
  }
  std::vector<std::uint32_t> order;
  for (std::uint32_t l = 0; l < levels; ++l) {
    if (ranges[l].low <= ranges[l].high) order.push_back(l);
  }
  if (order.size() < 2) return std::nullopt;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return ranges[a].low != ranges[b].low ? ranges[a].low < ranges[b].low
                                          : ranges[a].high < ranges[b].high;
  });
  std::vector<double> place(levels);
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = double(i);
    if (i > 0 && ranges[order[i]].low < ranges[order[i - 1]].high) return std::nullopt;
  }
  std::vector<double> x(codes.size());
  for (std::size_t r = 0; r < codes.size(); ++r) x[r] = place[codes[r]];
  auto pairs = KnownPairs(x, y);
  if (!SortWithoutDiscord(&pairs) || pairs.front().y == pairs.back().y) return std::nullopt;
  return ChanceOf(pairs, LogFactorial(double(order.size())));
}

std::optional<double> PurityChance(std::span<const std::uint32_t> codes, std::uint32_t levels,
                                   std::span<const double> classes) {
  std::vector<double> of_level(levels, NAN);
  std::map<double, double> rows;
  double n = 0;
  for (std::size_t r = 0; r < codes.size(); ++r) {
    const double c = classes[r];
    if (c != c) continue;
    double& seen = of_level[codes[r]];
    if (seen == seen && seen != c) return std::nullopt;
    seen = c;
    rows[c] += 1;
    n += 1;
  }
  if (rows.size() < 2) return std::nullopt;
  const auto used =
      std::count_if(of_level.begin(), of_level.end(), [](double c) { return c == c; });
  double log = double(used) * std::log(double(rows.size())) - LogFactorial(n);
  for (const auto& [c, count] : rows) log += LogFactorial(count);
  return std::min(0.0, log / std::log(10));
}

double Xi(std::span<const double> x, std::span<const double> y) {
  std::vector<std::size_t> known;
  for (std::size_t r = 0; r < x.size(); ++r) {
    if (x[r] == x[r] && y[r] == y[r]) known.push_back(r);
  }
  const std::size_t n = known.size();
  if (n < 3) return 0;
  std::sort(known.begin(), known.end(), [&](std::size_t a, std::size_t b) {
    return x[a] != x[b] ? x[a] < x[b] : sdk::MixBits(a) < sdk::MixBits(b);
  });
  std::vector<double> sorted;
  for (const std::size_t r : known) sorted.push_back(y[r]);
  std::sort(sorted.begin(), sorted.end());
  const auto not_above = [&](double v) {
    return double(std::upper_bound(sorted.begin(), sorted.end(), v) - sorted.begin());
  };
  double steps = 0;
  double spread = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double v = y[known[i]];
    if (i > 0) steps += std::abs(not_above(v) - not_above(y[known[i - 1]]));
    const double l = double(sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), v));
    spread += l * (double(n) - l);
  }
  if (spread == 0) return 0;
  // What a function reaches: each value once more than its rows, in rising order.
  const double least_steps = double(n) - not_above(sorted.front());
  const double ratio = double(n) / (2 * spread);
  return (1 - ratio * steps) / (1 - ratio * least_steps);
}

}  // namespace penstock::audit
