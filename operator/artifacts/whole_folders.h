// Which folders were seen whole a moment ago. To look at a folder is to look at every file of it:
// for a large one seconds of a processor, which hundreds of runs that ask at once need not spend
// each. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "operator/base/result.h"

namespace penstock::artifacts {

class WholeFolders {
 public:
  // What `look` says, unless the folder was whole less than a minute ago. Of several who ask for
  // one folder at once one looks, and the others wait for him.
  [[nodiscard]] Result<bool> Look(const std::string& folder,
                                  const std::function<Result<bool>()>& look) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !looking_.contains(folder); });
    const auto now = std::chrono::steady_clock::now();
    if (const auto seen = whole_.find(folder); seen != whole_.end() && now < seen->second)
      return true;
    looking_.insert(folder);
    lock.unlock();
    auto whole = look();
    lock.lock();
    looking_.erase(folder);
    changed_.notify_all();
    if (!whole || !*whole) return whole;
    if (whole_.size() >= kMost) whole_.clear();
    whole_[folder] = now + kFresh;
    return whole;
  }

  // Something was found damaged, and may be part of any.
  void Forget() {
    const std::lock_guard lock(mutex_);
    whole_.clear();
  }

 private:
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::chrono::seconds kFresh{60};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> looking_;
  std::map<std::string, std::chrono::steady_clock::time_point> whole_;  // until when
};

}  // namespace penstock::artifacts
