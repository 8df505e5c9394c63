// From the facts about a step to its state: what its status says, what is done about its pods and
// what has to be asked. What an idle step does next is decided in run_plan.cc. Pure.
#pragma once

#include "operator/plan/step/step_facts.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Appends to the plan's actions and requests.
[[nodiscard]] StepState PlanStep(const StepFacts& facts, const RunObserved& observed, TimePoint now,
                                 RunPlan& plan);

// Asks for the DELETE of a pod, once a pause: it may be there for long, and no watch tell that it
// is being deleted. Gives why the API server did not take it the last time.
[[nodiscard]] std::optional<Refusal> PlanDelete(const RunObserved& observed, const PodFact& pod,
                                                int grace_seconds, TimePoint now, RunPlan& plan);

}  // namespace penstock::plan
