// What a run's status says: conditions, summary, entries, outputs, events. Pure.
#pragma once

#include <vector>

#include "operator/plan/run/step_plan.h"

namespace penstock::plan {

inline constexpr std::size_t kMaxStepEntries = 500;
inline constexpr std::size_t kMaxEntryBytes = 180 * 1024;  // of all entries together

// Fills plan.status, events, urgent_status and finished from the steps, in the order of the
// resolved spec. `steps` is empty where the run is not resolved. `has_leftovers`: a pod of an ended
// step is still there, and the run does not end before it is gone.
void PlanStatus(const RunObserved& observed, const std::vector<StepState>& steps,
                bool has_leftovers, TimePoint now, RunPlan& plan);

// --- parts of PlanStatus
// run_conditions.cc; needs plan.status.summary and plan.finished.
void PutConditions(const RunObserved& observed, const std::vector<StepState>& steps, TimePoint now,
                   RunPlan& plan);
// status_entries.cc
void PutEntries(const RunObserved& observed, const std::vector<StepState>& steps, RunPlan& plan);
void PutOutputs(const RunObserved& observed, const std::vector<StepState>& steps, RunPlan& plan);

// "0-412,414" and back; numbers past `limit` are left out.
[[nodiscard]] std::string FormatIndexes(const std::vector<std::size_t>& sorted);
[[nodiscard]] std::vector<std::size_t> ParseIndexes(const std::string& text, std::size_t limit);

}  // namespace penstock::plan
