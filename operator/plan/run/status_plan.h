// What a run's status says: summary, entries, outputs, conditions, events. Pure.
#pragma once

#include <vector>

#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Fills plan.status, events, urgent_status and finished from the steps, in the order of the
// resolved spec. `steps` is empty where the run is not resolved. `has_leftovers`: a pod of an ended
// step is still there, and the run does not end before it is gone.
void PlanStatus(const RunObserved& observed, const std::vector<StepState>& steps,
                bool has_leftovers, TimePoint now, RunPlan& plan);

}  // namespace penstock::plan
