// Locks of all namespaces: their sizes, and whoever holds them beyond what the statuses of runs
// say.
//
// A lock is held by whom a run's status says so (api::RunLock), by every pod that runs under it and
// has not ended, and by whom a status says so whose write may have been lost on the way. Who
// decides about locks of a namespace holds its Turn from before it looks until the status is
// written that says what was decided, so that nothing is given twice. All of it is found again by a
// controller that starts anew. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/base/time.h"
#include "operator/kube/store.h"
#include "operator/plan/attempt/pod_fact.h"
#include "operator/plan/locks/lock_words.h"

namespace penstock::gates {

struct LockCount {
  std::string ns, name;
  std::size_t holders = 0;
  std::size_t waiters = 0;
};

// Those who came while somebody decided, in the order in which they came.
struct TurnQueue {
  std::mutex deciding;
  std::mutex mutex;
  std::deque<std::string> waiting;
};

class LockTable {
 public:
  static constexpr Milliseconds kTurnAgain{500};
  using Wake = std::function<void(const std::string& key)>;

  // As long as it lives nobody else decides in the namespace. Ends in the thread that took it.
  class Turn {
   public:
    Turn() = default;  // of nobody
    ~Turn() { End(); }
    Turn(Turn&&) = default;
    Turn& operator=(Turn&& other) noexcept;
    // Wakes those who came meanwhile.
    void End();

   private:
    friend class LockTable;
    std::shared_ptr<TurnQueue> queue_;
    std::unique_lock<std::mutex> lock_;
    Wake wake_;
  };
  // Waits for nobody. Nothing: somebody decides there; `key` is woken when they have ended, but may
  // have to come again, or by itself where nobody wakes it within kTurnAgain.
  [[nodiscard]] std::optional<Turn> Decide(const std::string& ns, const std::string& key,
                                           const Wake& wake);

  // A pod as it is now. True: one that held something has ended.
  bool NotePod(const std::string& ns, const plan::PodFact& pod);
  // One that is gone.
  bool DropPod(const std::string& ns, const std::string& pod_uid);

  // Data of the ConfigMap api::kLockSizes of a namespace.
  void PutSizes(const std::string& ns, std::map<std::string, std::string> sizes);
  [[nodiscard]] std::map<std::string, std::string> Sizes(const std::string& ns) const;

  // Before a status is written that takes locks, and when it is known what became of that. True:
  // there was such a write, so that others may get now what it would have taken.
  void BeginWrite(const api::PipelineRun& run, const std::vector<api::RunLock>& locks);
  bool EndWrite(const std::string& run_uid);
  // Of every run of the name but the one with this UID, which is the one that is there.
  bool EndWritesBut(const std::string& ns, const std::string& run, const std::string& uid);
  // Whether a write has begun of which is not known what became of it.
  [[nodiscard]] bool HasWrite(const std::string& run_uid) const;

  // Whoever holds and asks in a namespace, but for what the status of run `but_for` (a UID) says.
  using Runs = std::vector<std::shared_ptr<const api::PipelineRun>>;
  [[nodiscard]] std::vector<plan::LockUse> Uses(const std::string& ns, const Runs& runs,
                                                const std::string& but_for) const;
  // Names of runs of the namespace that have something to decide now: those that would get their
  // locks, and the next ones, which say whom they wait for.
  [[nodiscard]] std::vector<std::string> ToWake(const std::string& ns, const Runs& runs) const;
  [[nodiscard]] static std::vector<LockCount> Count(const std::string& ns,
                                                    const std::vector<plan::LockUse>& uses);

 private:
  struct Write {
    std::string ns, run;
    std::vector<api::RunLock> locks;
  };

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<TurnQueue>> turns_;           // by namespace
  std::map<std::string, std::map<std::string, std::string>> sizes_;   // by namespace
  std::map<std::string, std::map<std::string, plan::PodFact>> pods_;  // by namespace, UID
  std::map<std::string, Write> writes_;                               // by run UID
};

}  // namespace penstock::gates
