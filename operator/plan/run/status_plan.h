// What a run's status says: summary, entries, outputs, conditions, events. Pure.
#pragma once

#include <vector>

#include "operator/plan/locks/run_locks.h"
#include "operator/plan/run/run_steps.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Fills plan.status, events, urgent_status and finished from the steps, in the order of the
// resolved spec. `steps` is empty where the run is not resolved. `has_leftovers`: a pod of an ended
// step is still there, and the run does not end before it is gone.
void PlanStatus(const RunObserved& observed, const std::vector<StepState>& steps,
                bool has_leftovers, TimePoint now, RunPlan& plan);

// The run's own locks; none of a run that is not resolved.
[[nodiscard]] std::vector<api::LockRef> OwnLocks(const RunObserved& observed);

// Fills what the plan's status says of locks, after PlanStatus. `suspended`: the run asks for none.
void PutLocks(const RunObserved& observed, const RunLocks& locks, const RunSteps& steps,
              bool suspended, RunPlan& plan);

// Appends the action that gives the run the labels of its Pipeline that it lacks.
void PutLabels(const RunObserved& observed, RunPlan& plan);

}  // namespace penstock::plan
