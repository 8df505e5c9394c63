#include "components/router/routing/weighted_choice.h"

#include <algorithm>
#include <utility>

namespace penstock::router {

namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): every bit depends on every bit.
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

std::uint64_t CeilDiv(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace

WeightedChoice::WeightedChoice(std::vector<int> weights, std::uint64_t seed)
    : weights_(std::move(weights)), seed_(seed) {
  std::uint64_t whole = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] <= 0) continue;
    shares_.push_back({i, static_cast<std::uint64_t>(weights_[i]), 0});
    whole += static_cast<std::uint64_t>(weights_[i]);
  }
  std::stable_sort(shares_.begin(), shares_.end(),
                   [](const Share& a, const Share& b) { return a.weight < b.weight; });
  for (Share& share : shares_) {
    share.whole = whole;
    whole -= share.weight;
  }
}

std::size_t WeightedChoice::Of(std::uint64_t n) const {
  for (std::size_t i = 0; i + 1 < shares_.size(); ++i) {
    const Share& share = shares_[i];
    const std::uint64_t stratum = n * share.weight / share.whole;
    const std::uint64_t begin = CeilDiv(stratum * share.whole, share.weight);
    const std::uint64_t end = CeilDiv((stratum + 1) * share.whole, share.weight);
    const std::uint64_t place = begin + Mix(seed_ ^ Mix(stratum + (i << 56U))) % (end - begin);
    if (n == place) return share.index;
    n -= stratum + (place < n ? 1 : 0);  // those before this one that the share has taken
  }
  return shares_.back().index;
}

}  // namespace penstock::router
