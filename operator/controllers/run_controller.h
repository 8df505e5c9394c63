// Carries a PipelineRun through: gather -> plan::PlanRun -> act.
//
//   first visit: resolve -> pin as ControllerRevision -> status with its name, before any pod
//   every visit: snapshots + facts -> plan -> creates -> status -> events -> ask for facts -> wait
//   finished:    end child runs that came to be seen late; wait for the time to live, then delete
//
// One object for all runs. Reconcile may be called from many threads, never for one key twice at
// once; the queue sees to that. What is remembered between visits can all be found again: a fresh
// controller over the same cluster and store goes on where another was killed.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/controllers/run_pinning.h"

namespace penstock::controllers {

class RunController {
 public:
  // `wake(key, after)` puts a run into the queue; called from any thread.
  using Wake = std::function<void(const std::string& key, Milliseconds after)>;
  RunController(const Context& context, Wake wake);
  ~RunController();

  [[nodiscard]] Outcome Reconcile(const std::string& key);

  // A pod of the run has just been seen to end.
  void NoteEndedPod(const std::string& run_uid, SteadyTime seen);
  // Keys of the runs of a namespace that could not be resolved yet ("" = of all namespaces).
  [[nodiscard]] std::vector<std::string> Unresolved(const std::string& ns) const;
  // The run object is gone from the API server.
  void Forget(const std::string& run_uid);

 private:
  struct State;
  using StatePtr = std::shared_ptr<State>;
  using Run = ObjectTable<Known<api::PipelineRun>>::Snapshot;

  [[nodiscard]] StatePtr StateOf(const api::PipelineRun& run);
  [[nodiscard]] std::optional<Error> EndChildren(const api::PipelineRun& run);
  [[nodiscard]] Outcome Expire(const api::PipelineRun& run) const;
  [[nodiscard]] plan::RunObserved Gather(const State& state, const api::PipelineRun& run) const;
  void NoteAttempts(State& state, const api::PipelineRun& run) const;
  [[nodiscard]] std::optional<Milliseconds> LookAtPods(State& state, const std::string& run_uid,
                                                       std::vector<std::string> pods) const;
  [[nodiscard]] Outcome Visit(State& state, Run run);
  void TellOfNews(State& state, const Run& run) const;
  void WakeWithin(const std::string& run_uid) const;
  // Those of the namespace who have something to decide about locks now.
  void WakeLocked(const std::string& ns, const std::string& but_for) const;
  void WakeParent(const api::PipelineRun& run) const;
  [[nodiscard]] Outcome WriteStatus(State& state, Run& run, const plan::RunPlan& plan);

  const Context& context_;
  const Wake wake_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, StatePtr> states_;  // by run UID
};

// True once the run has ended in any way.
[[nodiscard]] bool IsFinished(const api::PipelineRun& run);

}  // namespace penstock::controllers
