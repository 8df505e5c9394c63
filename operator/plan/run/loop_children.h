// A looped step that is a Pipeline: each item is carried out by child runs, one an attempt, as
// child_plan.h does it for a step. What comes next for its items is loop_plan.h's, as of any loop.
// Pure.
#pragma once

#include <vector>

#include "operator/plan/run/loop_state.h"

namespace penstock::plan {

// As ObserveLoop; `children` are the step's. Those that go on though their item, or the step, has
// ended are cancelled. An item whose run somebody else cancelled has failed.
[[nodiscard]] StepState ObserveLoopOfRuns(const RunObserved& observed, const ResolvedStep& step,
                                          const api::StepStatus* prior,
                                          const std::vector<const ChildFact*>& children,
                                          TimePoint now, RunPlan& plan, LoopState& loop);

}  // namespace penstock::plan
