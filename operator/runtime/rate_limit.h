// So many a second, in the order of asking: who comes too early gets a time of its own and is let
// through when it comes back then. Thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace penstock::runtime {

class RateLimit {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;
  // `per_second` 0: no limit. What was not used is kept for one second.
  explicit RateLimit(double per_second)
      : interval_(per_second > 0 ? std::chrono::duration_cast<Steady::duration>(
                                       std::chrono::duration<double>(1 / per_second))
                                 : Steady::duration::zero()) {}

  // Zero: `key` may go now. Else how long it should wait before it asks again.
  [[nodiscard]] Milliseconds WaitOf(const std::string& key, Steady now) {
    if (interval_ == Steady::duration::zero()) return Milliseconds{0};
    const std::lock_guard lock(mutex_);
    auto turn = turns_.find(key);
    if (turn == turns_.end()) {
      // Who never came back, as its run has ended.
      std::erase_if(turns_, [&](const auto& t) { return now - t.second > kForgotten; });
      next_ = std::max(next_, now - kBurst + interval_);
      turn = turns_.emplace(key, next_).first;
      next_ += interval_;
    }
    if (turn->second > now) return std::chrono::ceil<Milliseconds>(turn->second - now);
    turns_.erase(turn);
    return Milliseconds{0};
  }

 private:
  static constexpr std::chrono::seconds kBurst{1};
  static constexpr std::chrono::minutes kForgotten{1};
  const Steady::duration interval_;
  std::mutex mutex_;
  Steady next_{};
  std::map<std::string, Steady> turns_;  // of those who wait
};

}  // namespace penstock::runtime
