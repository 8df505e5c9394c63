// How much one plan of a run may still make: places under parallelism, the namespace's room for
// pods, and how many at a time. Pure; borrows what it is made of.
#pragma once

#include <vector>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/run/held_places.h"
#include "operator/plan/run/run_steps.h"

namespace penstock::plan {

class RunRoom {
 public:
  RunRoom(const RunObserved& observed, const PodSettings& settings, RunSteps& steps)
      : o_(observed), settings_(settings), steps_(steps) {}

  // Before anything starts: places of those that have these locks.
  void Hold(const std::vector<api::RunLock>& locks) { places_.Take(locks, steps_); }
  void Leave(const StepState& s) { places_.Leave(s); }

  // Whether parallelism leaves it no place.
  [[nodiscard]] bool IsFull(const StepState& s) const;
  // Whether the namespace may have its pod.
  [[nodiscard]] bool HasRoom(const StepState& s) const;
  [[nodiscard]] bool HasPlace(const StepState& s) const;

  // Its pod, or its run, is made by this plan.
  void CountMade(StepState& s, bool is_pod);
  // The API server took its pod for this reason not, and is asked again later.
  void KeepFor(const StepState& s, const Error& why);
  [[nodiscard]] bool AnyMade() const { return made_ > 0; }

 private:
  void Occupy(const StepState& s) { steps_.occupied += s.step->daemon ? 0 : 1; }

  const RunObserved& o_;
  const PodSettings& settings_;
  RunSteps& steps_;
  HeldPlaces places_;
  int made_ = 0;       // by this plan
  int pods_made_ = 0;  // those that count against the namespace's room
  int creates_ = 0;    // those, and what is held up as they would be
};

}  // namespace penstock::plan
