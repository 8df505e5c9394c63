// What the conditions of a run say. Pure.
#pragma once

#include <vector>

#include "operator/plan/step/run_outcome.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Condition of a run whose pods the API server took without something that they were to have;
// others do not have it. Its reason is the event's too.
inline constexpr const char* kPodsAsAsked = "PodsAsAsked";
inline constexpr const char* kFieldsLeftOut = "FieldsLeftOut";
// "step a: spec.resources; ...", and what to do; empty: nothing was left out.
[[nodiscard]] std::string LeftOutText(const RunObserved& observed);

// Needs plan.status.summary and plan.finished. How the run has ended, or that it goes on.
RunOutcome PutConditions(const RunObserved& observed, const std::vector<StepState>& steps,
                         TimePoint now, RunPlan& plan);

}  // namespace penstock::plan
