// Who looks after the life of artifacts: collects by the clock while this process leads, and does
// what people ask for (`penstock store --cluster`), one job at a time.
//
//   KeepUp (leading) ---+
//                       +--> one job at a time --> told: log, metrics, event
//   Start (gateway) ----+
//
// Thread-safe. Owns the thread of the job that was asked for; ends it when it is destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "operator/artifacts/gc/collection.h"
#include "operator/artifacts/gc/verification.h"
#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::retention {

struct KeeperSettings {
  std::chrono::seconds interval = std::chrono::hours(24);  // 0: only what is asked for
  std::chrono::seconds first{900};                         // after the start
  std::chrono::seconds grace = artifacts::kGrace;
  std::chrono::seconds keep_cache = artifacts::kKeepCache;
  std::vector<std::string> namespaces = {};  // that are looked after; empty: all
  // Who collects here; asked before each collection. None: it is not looked whose a store is.
  std::function<Result<artifacts::Collector>(const std::stop_token&)> collector = {};
};

enum class StoreJob : std::uint8_t { kUsage, kCollect, kVerify };

// Of kCollect.
struct JobOptions {
  bool dry_run = false;
  bool take_over = false;  // what another collector marked as its own, which is gone
};

class StoreKeeper {
 public:
  // Hears of each collection that was made, by whichever thread made it.
  using Tell = std::function<void(const artifacts::Collected&)>;

  // What is borrowed must outlive it.
  StoreKeeper(const artifacts::Store& store, artifacts::References& references, const Clock& clock,
              KeeperSettings settings, Tell tell);
  ~StoreKeeper();

  // Collects each interval until stopped.
  void KeepUp(const std::stop_token& stop);

  // Begins a job; kConflict while another is under way. What Job() then gives.
  [[nodiscard]] Result<Json> Start(StoreJob job, const JobOptions& options);
  // {"id": 3, "job": "du|gc|verify", "state": "running|done|failed", "started", "finished",
  // "error",
  //  "report": ...} of the newest job that was asked for; kNotFound: there was none.
  [[nodiscard]] Result<Json> Job() const;

  // The report of a job, done here and now.
  [[nodiscard]] Json Do(StoreJob job, const JobOptions& options, const std::stop_token& stop);

 private:
  [[nodiscard]] artifacts::Collected Collect(StoreJob job, const JobOptions& asked,
                                             const std::stop_token& stop);

  const artifacts::Store& store_;
  artifacts::References& references_;
  const Clock& clock_;
  const KeeperSettings settings_;
  const Tell tell_;
  std::mutex at_work_;        // of one job
  mutable std::mutex mutex_;  // guards what follows
  Json job_;
  int next_ = 1;
  std::jthread thread_;  // last: it uses the rest
};

// "du", "gc", "verify".
[[nodiscard]] const char* Name(StoreJob job);

// The first reason why a report is no success; "" of a good one. Altered and missing artifacts are
// one.
[[nodiscard]] std::string TroubleOf(const Json& report);

}  // namespace penstock::retention
