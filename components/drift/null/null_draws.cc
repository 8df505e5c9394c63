#include "components/drift/null/null_draws.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace penstock::drift {
namespace {

constexpr std::int64_t kEnoughReached = 10;

// Draws until it is decided; `draw` fills in the counts of current, the rest is reference's.
// `p_bound` of p: where it is below all that draws could say, more of them say nothing.
template <typename Draw>
Null Repeat(Statistic statistic, const BinShape& shape, std::span<const std::int64_t> pooled,
            double observed, double p_bound, const Draws& draws, Draw draw) {
  std::vector<std::int64_t> current(pooled.size());
  std::vector<std::int64_t> reference(pooled.size());
  // A division that is the observed one again may be off by rounding.
  const double bound = observed * (1 - 1e-12);
  Null null;
  double sum = 0;
  std::int64_t reached = 0;
  const bool is_known = p_bound * double(1 + draws.most) <= 1;
  while (null.draws < draws.least ||
         (reached < kEnoughReached && null.draws < draws.most && !(is_known && reached == 0))) {
    draw(current);
    for (std::size_t i = 0; i < pooled.size(); ++i) reference[i] = pooled[i] - current[i];
    const double value = ValueOf(statistic, shape, reference, current);
    if (null.draws < draws.least) sum += value;
    if (value >= bound) ++reached;
    ++null.draws;
  }
  null.p = double(1 + reached) / double(1 + null.draws);
  null.mean = sum / double(draws.least);
  if (reached == 0) null.p = std::min(null.p, p_bound);
  return null;
}

std::vector<std::int64_t> Sum(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  std::vector<std::int64_t> sum(a.begin(), a.end());
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += b[i];
  return sum;
}

}  // namespace

Null DrawByRows(Statistic statistic, const BinShape& shape, std::span<const std::int64_t> reference,
                std::span<const std::int64_t> current, const LogFactorials& logs,
                const Draws& draws) {
  const std::vector<std::int64_t> pooled = Sum(reference, current);
  const std::int64_t total = std::accumulate(pooled.begin(), pooled.end(), std::int64_t{0});
  const std::int64_t taken = std::accumulate(current.begin(), current.end(), std::int64_t{0});
  const double observed = ValueOf(statistic, shape, reference, current);
  Random random(draws.seed);
  const double bound =
      TailBound(statistic, pooled.size(), observed, double(total - taken), double(taken));
  return Repeat(
      statistic, shape, pooled, observed, bound, draws,
      [&](std::span<std::int64_t> drawn) { DrawBins(pooled, total, taken, logs, random, drawn); });
}

std::vector<std::int64_t> BlockCounts::Sum(bool reference) const {
  std::vector<std::int64_t> sum(bins, 0);
  const std::size_t first = reference ? 0 : of_reference;
  const std::size_t end = reference ? of_reference : blocks();
  for (std::size_t block = first; block < end; ++block) {
    for (std::size_t i = 0; i < bins; ++i) sum[i] += counts[block * bins + i];
  }
  return sum;
}

Null DrawByBlocks(Statistic statistic, const BinShape& shape, const BlockCounts& blocks,
                  const Draws& draws) {
  const std::vector<std::int64_t> reference = blocks.Sum(true);
  const std::vector<std::int64_t> current = blocks.Sum(false);
  const std::vector<std::int64_t> pooled = Sum(reference, current);
  const double observed = ValueOf(statistic, shape, reference, current);
  std::vector<std::size_t> order(blocks.blocks());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t taken = order.size() - blocks.of_reference;
  Random random(draws.seed);
  return Repeat(statistic, shape, pooled, observed, 1, draws, [&](std::span<std::int64_t> drawn) {
    std::fill(drawn.begin(), drawn.end(), 0);
    for (std::size_t i = 0; i < taken; ++i) {  // Fisher and Yates' shuffle, its start
      std::swap(order[i], order[i + random.Below(order.size() - i)]);
      const std::int32_t* block = &blocks.counts[order[i] * blocks.bins];
      for (std::size_t b = 0; b < blocks.bins; ++b) drawn[b] += block[b];
    }
  });
}

double LeastP(std::size_t reference, std::size_t current, std::int64_t draws) {
  const auto all = double(reference + current);
  int sign = 0;
  const double log_divisions = ::lgamma_r(all + 1, &sign) -
                               ::lgamma_r(double(reference) + 1, &sign) -
                               ::lgamma_r(double(current) + 1, &sign);
  return std::max(std::exp(-log_divisions), 1 / double(1 + draws));
}

}  // namespace penstock::drift
