// What takes long is done more rarely: it rests nine times as long as it took, so that it takes a
// tenth of the time at most.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace penstock::runtime {

// How long what took so long rests.
[[nodiscard]] inline std::chrono::milliseconds RestAfter(std::chrono::milliseconds took,
                                                         std::chrono::milliseconds longest) {
  return std::min(9 * took, longest);
}

// The rests of many keys. Thread-safe.
class DutyCycle {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;
  explicit DutyCycle(Milliseconds longest) : longest_(longest) {}

  // Zero: `key` may go now. Else how long it rests yet; what has another generation than it had at
  // its last turn does not rest.
  [[nodiscard]] Milliseconds WaitOf(const std::string& key, std::int64_t generation, Steady now) {
    const std::lock_guard lock(mutex_);
    const auto rest = rests_.find(key);
    if (rest == rests_.end() || rest->second.generation != generation) return Milliseconds{0};
    return std::max(Milliseconds{0}, std::chrono::ceil<Milliseconds>(rest->second.until - now));
  }

  void Took(const std::string& key, std::int64_t generation, Steady began, Steady ended) {
    const auto took = std::chrono::duration_cast<Milliseconds>(ended - began);
    const std::lock_guard lock(mutex_);
    rests_[key] = {generation, ended + RestAfter(took, longest_)};
  }

  void Forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    rests_.erase(key);
  }

 private:
  struct Rest {
    std::int64_t generation = 0;
    Steady until;
  };
  const Milliseconds longest_;
  std::mutex mutex_;
  std::map<std::string, Rest> rests_;
};

}  // namespace penstock::runtime
