// Steps without a pod: an approval that people decide, a wait for a time to pass. Their state is
// the status alone: it began at its start time. Pure.
#pragma once

#include "operator/api/approval.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"
#include "operator/plan/values/value_source.h"

namespace penstock::plan {

using api::kApprovalRefused;
using api::kApprovalUnbound;
using api::kAwaitingApproval;
inline constexpr const char* kAwaitingTime = "AwaitingTime";

// As the status has it: final or idle.
[[nodiscard]] StepState ObserveGate(const ResolvedStep& step, const api::StepStatus* prior);

// Whether it waits already.
[[nodiscard]] inline bool HasBegun(const StepState& gate) {
  return gate.status.start_time.has_value();
}

// What comes next for one that is idle and whose dependencies are met: it begins to wait, goes on,
// or ends.
void AdvanceGate(StepState& s, const RunObserved& observed, const ValueSource& source,
                 TimePoint now);

}  // namespace penstock::plan
