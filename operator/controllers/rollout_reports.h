// Stores what is kept of versions that were rejected or rolled back, on the pool of the store, and
// wakes whoever writes the digest down. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/model_deployment.h"
#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

class RolloutReports {
 public:
  // The context must outlive it, and it the work.
  RolloutReports(const Context& context,
                 std::function<void(const std::string& key, Milliseconds after)> wake)
      : context_(context), wake_(std::move(wake)) {}

  // Stores it, unless that is under way or done. What was told first counts: later plans know less.
  void Keep(const std::string& key, const plan::RolloutReport& report);
  // What was stored and this history does not name.
  [[nodiscard]] std::vector<plan::MadeReport> Take(
      const std::string& key, const std::vector<api::ModelHistoryEntry>& history);
  void Forget(const std::string& key);

 private:
  using Which = std::pair<std::int64_t, TimePoint>;  // version, time
  struct Kept {
    plan::RolloutReport content;
    bool under_way = false;
    std::string digest;  // once it is stored
  };
  void Store(const std::string& key, const Which& which, const plan::RolloutReport& report);

  const Context& context_;
  const std::function<void(const std::string&, Milliseconds)> wake_;
  std::mutex mutex_;
  std::map<std::string, std::map<Which, Kept>> kept_;  // by key
};

}  // namespace penstock::controllers
