// What the conditions of a run say. Pure.
#pragma once

#include <vector>

#include "operator/plan/step/run_outcome.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Needs plan.status.summary and plan.finished. How the run has ended, or that it goes on.
RunOutcome PutConditions(const RunObserved& observed, const std::vector<StepState>& steps,
                         TimePoint now, RunPlan& plan);

}  // namespace penstock::plan
