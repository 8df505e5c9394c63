// How many pods of runs a namespace may have at a time, where the platform bounds them: who may
// make one now, and who is told when one has ended. Daemons do not count: those that use them could
// wait for their places. Thread-safe.
//
// The pods that stand are counted by PodTable; here stand those that are being made, and who waits.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace penstock::controllers {

class PodRoom {
 public:
  // False: the namespace has `most` pods, of which `standing()` stand and the others are being
  // made. True: `pod` is one of those that are being made, until Leave, which comes after it
  // stands.
  [[nodiscard]] bool Take(const std::string& ns, const std::string& pod,
                          const std::function<int()>& standing, int most) {
    const std::lock_guard lock(mutex_);
    std::set<std::string>& making = of_[ns].making;
    if (making.contains(pod)) return true;
    if (standing() + static_cast<int>(making.size()) >= most) return false;
    making.insert(pod);
    return true;
  }
  void Leave(const std::string& ns, const std::string& pod) {
    const std::lock_guard lock(mutex_);
    of_[ns].making.erase(pod);
  }
  [[nodiscard]] int Making(const std::string& ns) const {
    const std::lock_guard lock(mutex_);
    const auto found = of_.find(ns);
    return found == of_.end() ? 0 : static_cast<int>(found->second.making.size());
  }

  // `run` waits for a place, behind those that wait already.
  void Wait(const std::string& ns, const std::string& run) {
    const std::lock_guard lock(mutex_);
    Namespace& of = of_[ns];
    if (of.waits.insert(run).second) of.order.push_back(run);
  }
  // Whose turn it is: it waits no more.
  [[nodiscard]] std::optional<std::string> Next(const std::string& ns) {
    const std::lock_guard lock(mutex_);
    const auto found = of_.find(ns);
    if (found == of_.end() || found->second.order.empty()) return std::nullopt;
    std::string run = std::move(found->second.order.front());
    found->second.order.pop_front();
    found->second.waits.erase(run);
    return run;
  }

 private:
  struct Namespace {
    std::set<std::string> making;
    std::deque<std::string> order;
    std::set<std::string> waits;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Namespace> of_;
};

}  // namespace penstock::controllers
