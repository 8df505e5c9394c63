// What the API server said of a token or a right, kept for a while: yes and no apart, so that who
// is refused pushes out nobody who is known. By SHA-256 of what was asked; that itself is not kept.
// Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "operator/base/sha256.h"
#include "operator/base/time.h"

namespace penstock::gateway {

template <typename Verdict>
class ReviewCache {
 public:
  explicit ReviewCache(const Clock& clock, std::size_t most = 10'000)
      : clock_(clock), most_(most) {}

  [[nodiscard]] std::optional<Verdict> Find(const std::string& asked) {
    const std::string key = Sha256Hex(asked);
    const std::lock_guard lock(mutex_);
    for (const Kept* kept : {&yes_, &no_}) {
      const auto it = kept->find(key);
      if (it != kept->end() && clock_.Steady() < it->second.until) return it->second.verdict;
    }
    return std::nullopt;
  }

  void Keep(const std::string& asked, bool yes, Verdict verdict,
            std::chrono::milliseconds how_long) {
    const std::lock_guard lock(mutex_);
    Kept& among = yes ? yes_ : no_;
    if (among.size() >= most_)
      std::erase_if(among, [&](const auto& e) { return e.second.until <= clock_.Steady(); });
    if (among.size() >= most_) among.clear();
    among.insert_or_assign(Sha256Hex(asked), Entry{std::move(verdict), clock_.Steady() + how_long});
  }

 private:
  struct Entry {
    Verdict verdict;
    std::chrono::steady_clock::time_point until;
  };
  using Kept = std::map<std::string, Entry>;
  const Clock& clock_;
  const std::size_t most_;
  std::mutex mutex_;
  Kept yes_, no_;
};

}  // namespace penstock::gateway
