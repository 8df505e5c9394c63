// Stores what is kept of versions that were rejected or rolled back, on the pool of the store, and
// wakes whoever writes the digest down. What the store does not take is told once and tried again
// with growing pauses. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/model_deployment.h"
#include "operator/artifacts/store.h"
#include "operator/base/time.h"
#include "operator/plan/rollout/report.h"

namespace penstock::rollouts {

struct ReportStoreOptions {
  const artifacts::Store& store;
  const Clock& clock;
  std::function<void(const std::string& ns, std::function<void()> work)> submit;
  std::function<void(const std::string&)> warn;
  std::function<void(const std::string& key, Milliseconds after)> wake;
};

class ReportStore {
 public:
  // What the options name must outlive it, and it the work.
  explicit ReportStore(ReportStoreOptions options) : options_(std::move(options)) {}

  // Stores it, unless that is under way, done, or failed a moment ago. What was told first counts:
  // later plans know less.
  // `key`: "namespace/name" of the ModelDeployment.
  void Keep(const std::string& ns, const std::string& key, const rollout::Report& report);
  // What was stored and this history does not name. What could not be stored is tried again, also
  // when no plan tells it any more, as long as the history has its version.
  [[nodiscard]] std::vector<rollout::MadeReport> Take(
      const std::string& key, const std::vector<api::ModelHistoryEntry>& history);
  void Forget(const std::string& key);

 private:
  using Which = std::pair<std::int64_t, TimePoint>;  // version, time
  struct Kept {
    rollout::Report content;
    bool under_way = false;
    std::string digest;  // once it is stored
    int failures = 0;
    std::chrono::steady_clock::time_point next{};  // not before that
    std::string told;                              // what the log has had
  };
  void Submit(const std::string& ns, const std::string& key, const Which& which,
              rollout::Report content);
  void Store(const std::string& ns, const std::string& key, const Which& which,
             const rollout::Report& report);
  // When it is tried again; nothing where the object is gone.
  [[nodiscard]] std::optional<Milliseconds> Settle(const std::string& key, const Which& which,
                                                   const Result<ArtifactRef>& stored);

  const ReportStoreOptions options_;
  std::mutex mutex_;
  std::map<std::string, std::map<Which, Kept>> kept_;  // by key
};

}  // namespace penstock::rollouts
