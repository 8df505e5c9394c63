// The steps of a run while the run is planned: each as its pods, runs, receipts and status show it,
// before anything starts (run_plan.cc). Pure; points into what was observed.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "operator/plan/run/loop_state.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

class RunSteps {
 public:
  explicit RunSteps(const RunObserved& observed) : o_(observed) {}
  RunSteps(const RunSteps&) = delete;
  RunSteps& operator=(const RunSteps&) = delete;

  // Of a run that is resolved, once: all its steps in their order. Appends to the plan's actions
  // and requests.
  void TakeUp(TimePoint now, RunPlan& plan);

  [[nodiscard]] std::vector<StepState>& all() { return steps_; }
  [[nodiscard]] const std::vector<StepState>& all() const { return steps_; }
  // Null: there is none, or TakeUp was not called.
  [[nodiscard]] const StepState* Find(const std::string& name) const;
  [[nodiscard]] StepState& At(const std::string& name) { return steps_[index_.at(name)]; }
  [[nodiscard]] const StepState& At(const std::string& name) const {
    return steps_[index_.at(name)];
  }
  [[nodiscard]] bool IsFinal(const std::string& name) const;
  // Of a looped step.
  [[nodiscard]] LoopState& LoopOf(const std::string& step) { return loops_.at(step); }
  [[nodiscard]] const LoopState& LoopOf(const std::string& step) const { return loops_.at(step); }
  // All but those of `finally`.
  [[nodiscard]] bool HaveEnded() const;
  // Whether the step or item that asked for the lock, or its pod or run, still goes on, and could
  // go on now: one that waits for what it depends on gives its locks back.
  [[nodiscard]] bool Needs(const api::RunLock& lock) const;

  // Of a run that does another one again: nothing starts before what it takes of that one stands in
  // its status.
  [[nodiscard]] bool waits_for_former() const { return waits_for_former_; }
  // It is to run whatever the cache holds.
  [[nodiscard]] bool IsAnew(const std::string& step) const { return anew_.contains(step); }

  int occupied = 0;  // places under the run's parallelism

 private:
  void RestoreCut(std::map<std::string, const api::StepStatus*>& prior);
  void TakeFormer(std::map<std::string, const api::StepStatus*>& prior, TimePoint now,
                  RunPlan& plan);
  void ReopenCut(TimePoint now);
  void RepairDamaged(RunPlan& plan);
  [[nodiscard]] bool WaitsForOthers(const StepState& s) const;

  const RunObserved& o_;
  std::vector<StepState> steps_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, api::StepStatus> cut_;
  std::map<std::string, api::StepStatus> taken_;  // of the former run
  std::set<std::string> anew_;
  bool waits_for_former_ = false;
  std::map<std::string, LoopState> loops_;  // by step
};

}  // namespace penstock::plan
