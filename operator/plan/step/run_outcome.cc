#include "operator/plan/step/run_outcome.h"

#include <array>

namespace penstock::plan {

const char* Name(RunOutcome outcome) {
  constexpr std::array kNames{"", "Succeeded", "Failed", "Cancelled"};
  return kNames[static_cast<std::size_t>(outcome)];
}

RunOutcome OutcomeOf(const api::PipelineRun& run) {
  using api::ConditionStatus;
  const api::Condition* finished = api::FindCondition(run.status.conditions, "Finished");
  if (finished == nullptr || finished->status != ConditionStatus::kTrue) return RunOutcome::kActive;
  const api::Condition* succeeded = api::FindCondition(run.status.conditions, "Succeeded");
  if (succeeded == nullptr) return RunOutcome::kFailed;
  if (succeeded->status == ConditionStatus::kTrue) return RunOutcome::kSucceeded;
  return succeeded->reason == Name(RunOutcome::kCancelled) ? RunOutcome::kCancelled
                                                           : RunOutcome::kFailed;
}

}  // namespace penstock::plan
