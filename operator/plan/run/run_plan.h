// Decides what a PipelineRun needs next. Pure: (run, resolved spec, observed facts, now) in,
// (actions, status, events, fact requests, requeue) out. Planning again on an applied result
// yields no action.
//
//            deps met           pod started         exit 0 + receipt
//   Waiting ---------> Pending -------------> Running ---------------> Succeeded
//     |   \ cache hit     |  \ pending time-out   |  \ failed, budget left: Pending again
//     (attempt+1) |    +-> Succeeded  |   +-> Failed          |   +-> Failed
//     +-> Skipped (a dependency's outcome was not the wanted one)        any -> Cancelled
//
// Order of truth for a live run: pod, then receipt, then status (docs/design.md, 4.6).
#pragma once

#include "operator/base/time.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

[[nodiscard]] RunPlan PlanRun(const RunObserved& observed, const PodSettings& settings,
                              TimePoint now);

}  // namespace penstock::plan
