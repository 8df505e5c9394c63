// How many connections each address has, and how many it may have; which ones have shown lately who
// they are. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace penstock::net {

class PeerCounts {
 public:
  explicit PeerCounts(int most) : most_(most) {}

  enum class Answer : std::uint8_t { kEntered, kRefused, kRefusedFirst };
  // kRefusedFirst: the first time since the peer had none.
  [[nodiscard]] Answer Enter(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    Count& count = peers_[peer];
    if (count.connections < most_) {
      ++count.connections;
      return Answer::kEntered;
    }
    return std::exchange(count.refused, true) ? Answer::kRefused : Answer::kRefusedFirst;
  }
  [[nodiscard]] int Has(const std::string& peer) const {
    const std::lock_guard lock(mutex_);
    const auto count = peers_.find(peer);
    return count == peers_.end() ? 0 : count->second.connections;
  }
  // Of one that entered.
  void Leave(const std::string& peer) {
    const std::lock_guard lock(mutex_);
    if (--peers_[peer].connections == 0) peers_.erase(peer);
  }

 private:
  struct Count {
    int connections = 0;
    bool refused = false;
  };
  const int most_;  // at least 1
  mutable std::mutex mutex_;
  std::map<std::string, Count> peers_;  // those that have any
};

class KnownPeers {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void Note(const std::string& peer, Time now) {
    const std::lock_guard lock(mutex_);
    if (until_.size() >= kMost && !until_.contains(peer))
      std::erase_if(until_, [&](const auto& known) { return known.second <= now; });
    if (until_.size() < kMost || until_.contains(peer)) until_[peer] = now + kKept;
  }
  [[nodiscard]] bool Knows(const std::string& peer, Time now) const {
    const std::lock_guard lock(mutex_);
    const auto known = until_.find(peer);
    return known != until_.end() && now < known->second;
  }

 private:
  static constexpr std::chrono::minutes kKept{10};
  static constexpr std::size_t kMost = 10'000;
  mutable std::mutex mutex_;
  std::map<std::string, Time> until_;
};

}  // namespace penstock::net
