// What stands in for a step that has failed for good and says onFailure: its outputs and results of
// the newest earlier run of the same Pipeline in which it succeeded, where they are still there and
// not too old. Pure.
//
//   run 1  Succeeded  outputs, at 06:00
//   run 2  Failed     what run 1 gave at 06:00 stands in
//   run 3  Failed     the same, however long run 1 is gone: run 2 tells of it
//
// What is decided stands in the step's status, and stays.
#pragma once

#include <optional>
#include <string>

#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// Condition of a run, and reason of its event.
inline constexpr const char* kLastGoodUsed = "LastGoodUsed";

// Decides for a step that is final; where it is not known yet what there is, that is asked, and the
// step is live until it is. Other steps are left as they are.
void PlanLastGood(StepState& s, const RunObserved& observed, TimePoint now, RunPlan& plan);

// What the step of `run` could take of `other`; nullopt: nothing. Not of a run that does not
// publish, nor of or for one that is within another, nor of one for a later time (of a backfill),
// or that was made late for a time that is over maxAge ago.
[[nodiscard]] std::optional<LastGood> GivenIn(const api::PipelineRun& other,
                                              const api::PipelineRun& run,
                                              const ResolvedStep& step);

// Why there is nothing to look for in any other run; empty: there may be.
[[nodiscard]] std::string WhyNoEarlierRun(const api::PipelineRun& run);

}  // namespace penstock::plan
