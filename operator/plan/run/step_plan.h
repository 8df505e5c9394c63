// From the facts about a step to its state: what its status says, what is done about its pods and
// what has to be asked. What an idle step does next is decided in run_plan.cc. Pure.
#pragma once

#include "operator/plan/run/step_facts.h"
#include "operator/plan/run/step_state.h"
#include "operator/plan/run/world.h"

namespace penstock::plan {

// Appends to the plan's actions and requests.
[[nodiscard]] StepState PlanStep(const StepFacts& facts, const RunObserved& observed, TimePoint now,
                                 RunPlan& plan);

}  // namespace penstock::plan
