// Growing pauses between tries, with jitter. A value type; used by one thread.
#pragma once

#include <chrono>
#include <random>

namespace penstock::kube {

struct BackoffSettings {
  std::chrono::milliseconds initial{800};
  std::chrono::milliseconds max{30'000};       // before jitter, which at most doubles it
  std::chrono::milliseconds healthy{120'000};  // without a failure for so long: begin anew
};

class Backoff {
 public:
  Backoff(BackoffSettings settings, std::uint64_t seed) : settings_(settings), random_(seed) {}

  // The pause after a failure at `now`: initial, doubled each time, times 1 to 2 by chance.
  std::chrono::milliseconds Next(std::chrono::steady_clock::time_point now) {
    if (failed_ && now - last_ > settings_.healthy) failed_ = false;
    base_ = failed_ ? std::min(base_ * 2, settings_.max) : settings_.initial;
    failed_ = true;
    last_ = now;
    const double jitter = std::uniform_real_distribution<double>(1.0, 2.0)(random_);
    return std::chrono::duration_cast<std::chrono::milliseconds>(base_ * jitter);
  }

 private:
  BackoffSettings settings_;
  std::mt19937_64 random_;
  std::chrono::milliseconds base_{0};
  std::chrono::steady_clock::time_point last_{};
  bool failed_ = false;
};

}  // namespace penstock::kube
