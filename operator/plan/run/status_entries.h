// Which steps have an entry in a run's status, and what the run gives. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/run/step_state.h"
#include "operator/plan/run/world.h"

namespace penstock::plan {

inline constexpr std::size_t kMaxStepEntries = 500;
inline constexpr std::size_t kMaxEntryBytes = 180 * 1024;  // of all entries together

void PutEntries(const RunObserved& observed, const std::vector<StepState>& steps, RunPlan& plan);
void PutOutputs(const RunObserved& observed, const std::vector<StepState>& steps, RunPlan& plan);

// "0-412,414" and back; numbers past `limit` are left out.
[[nodiscard]] std::string FormatIndexes(const std::vector<std::size_t>& sorted);
[[nodiscard]] std::vector<std::size_t> ParseIndexes(const std::string& text, std::size_t limit);

}  // namespace penstock::plan
