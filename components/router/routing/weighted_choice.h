// Which version gets the n-th request: exact shares, no pattern that a client could fall in step
// with.
//
// For one share w of W: requests are cut into strata of W/w, and in each the request at a place
// drawn by hash is chosen. So of any first n requests n w/W, give or take less than one, are
// chosen, and of each W exactly w; and a client that sends kinds of requests in turn meets every
// version with every kind. More than two shares: the smallest is chosen so, what is left over is
// counted anew among the others, whose shares are off by less than one for each smaller share.
//
// Of(n) is pure. Next() counts; any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::router {

class WeightedChoice {
 public:
  // At least one weight above 0. Routers have different seeds, so that their roundings differ.
  WeightedChoice(std::vector<int> weights, std::uint64_t seed);

  // An index into weights; never one of weight 0.
  [[nodiscard]] std::size_t Next() { return Of(next_.fetch_add(1, std::memory_order_relaxed)); }
  [[nodiscard]] std::size_t Of(std::uint64_t n) const;
  [[nodiscard]] const std::vector<int>& weights() const { return weights_; }

 private:
  struct Share {
    std::size_t index;
    std::uint64_t weight;
    std::uint64_t whole;  // of what the smaller shares leave over
  };

  std::vector<int> weights_;
  std::vector<Share> shares_;  // ascending
  std::uint64_t seed_;
  std::atomic<std::uint64_t> next_{0};
};

}  // namespace penstock::router
