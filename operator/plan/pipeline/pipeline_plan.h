// Decides what a Pipeline needs next: which run to start, stop or delete, what it publishes, what
// its conditions say. Pure: (pipeline, its runs, now) in, (actions, status, requeue) out.
//
//   a change of what would run                         newest succeeded run, but publish: false
//   -------------------------> start <p>-<hash>-<n>    --------------------------------> outputs
//       Queue: waits for the running one; the latest change wins
//       Forbid: left out while one runs    Replace: the running one is cancelled    Allow: at once
#pragma once

#include <string>

#include "operator/base/time.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

// What a refusal of something asked of a run calls it: "PipelineRun chain-0123abcd-1".
[[nodiscard]] std::string RunObject(const std::string& run);

[[nodiscard]] PipelinePlan PlanPipeline(const PipelineObserved& observed, TimePoint now);

}  // namespace penstock::plan
