// Which steps have an entry in a run's status, and what the run gives. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

inline constexpr std::size_t kMaxStepEntries = 500;
inline constexpr std::size_t kMaxEntryBytes = 180 * 1024;  // of all these entries together
// Approvals and waits that go on or have failed have an entry always, beside those; above this
// without what it says. 5,000 of them stay below a MiB.
inline constexpr std::size_t kMaxGateBytes = 90 * 1024;

void PutEntries(const RunObserved& observed, const std::vector<StepState>& steps, RunPlan& plan);
void PutOutputs(const RunObserved& observed, const std::vector<StepState>& steps, RunPlan& plan);
// Once all steps have ended: before that a firstOf could still become another.
void PutResults(const RunObserved& observed, const std::vector<StepState>& steps, TimePoint now,
                RunPlan& plan);

}  // namespace penstock::plan
