// Daemons of a run: steps whose pods serve the steps that depend on them. One that is ready has not
// ended, and those that use it may start; when they all have ended, so does it. Pure.
//
//   Pending  its pod starts            Running, reason Ready     serves at status.address
//   Running  not ready yet             Succeeded                 nobody needs it any more
//
// A pod that ends while somebody needs it is a failed attempt like any other (step_plan.cc).
#pragma once

#include <vector>

#include "operator/plan/attempt/attempt.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Whether steps that depend on this one may start although it has not ended.
[[nodiscard]] bool Serves(const StepState& step);

// Whether a step that depends on it goes on, or, where none does, any other. Those of `finally`
// do not count: they begin when it has ended. `also_by_ending`: by one whose pod has ended too.
[[nodiscard]] bool IsNeeded(const std::vector<StepState>& steps, const StepState& daemon,
                            bool also_by_ending = true);

// What an attempt of a daemon is that ended by itself, with success as its program says.
[[nodiscard]] Judgement EndedByItself();

// Ends one that nobody needs any more.
void FinishServed(StepState& daemon, TimePoint when);

// Of each live daemon where it serves, once its pods were observed. One that is not ready within
// its timeouts.pending fails, and so does one that is not ready any more for so long while
// somebody waits for it.
void ShowDaemons(std::vector<StepState>& steps, const RunObserved& observed, TimePoint now,
                 RunPlan& plan);

// Ends those that nobody needs any more: all steps that depend on it have ended, or all steps but
// daemons where none does. True: there was one, so that others may go on now.
[[nodiscard]] bool EndDaemons(std::vector<StepState>& steps, const RunObserved& observed,
                              TimePoint now, RunPlan& plan);

}  // namespace penstock::plan
