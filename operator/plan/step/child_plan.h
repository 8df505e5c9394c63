// A step that is a Pipeline: from what its child runs say to its state, and what is done about
// them. Pure.
//
//            created            its run is resolved        its run has succeeded
//   Waiting ---------> Pending --------------------> Running ------------------> Succeeded
//                         \ timeouts.pending            \ its run failed, or timeouts.attempt: the
//                          +-> Failed                    +-> next attempt within the budgets,
//                          Failed
#pragma once

#include <vector>

#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

inline constexpr std::size_t kMaxRunsWithin = 20'000;  // below one outermost run

// As PlanStep for pods. `children` are the step's.
[[nodiscard]] StepState PlanChildren(const ResolvedStep& step, const api::StepStatus* prior,
                                     const std::vector<const ChildFact*>& children,
                                     const RunObserved& observed, TimePoint now, RunPlan& plan);

// Asks a child that has not ended to end, at least in this way; nothing where it has been asked.
void CancelUnended(const ChildFact& child, api::CancelMode mode, RunPlan& plan);

// Why this run may have no runs within it, in a word and a sentence: it stands too deep, or there
// are too many; empty: it may.
struct NestingRefusal {
  std::string reason, message;
};
[[nodiscard]] NestingRefusal WhyNoChild(const RunObserved& observed, const ResolvedStep& step);

}  // namespace penstock::plan
