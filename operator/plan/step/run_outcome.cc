#include "operator/plan/step/run_outcome.h"

#include <array>

#include "operator/plan/step/last_good.h"

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

bool UsedLastGood(const api::PipelineRun& run) {
  const api::Condition* used = api::FindCondition(run.status.conditions, kLastGoodUsed);
  return used != nullptr && used->status == api::ConditionStatus::kTrue;
}

bool WaitsForTurn(const api::PipelineRun& run) {
  // One that is pinned has begun, whoever let it and whoever stopped it again.
  return run.spec.suspend && run.status.revision.empty() &&
         run.spec.cancel == api::CancelMode::kNone && run.meta.annotations.contains(kWaitsSince) &&
         OutcomeOf(run) == RunOutcome::kActive;
}

const char* RunWord(const api::PipelineRun& run) {
  if (const RunOutcome outcome = OutcomeOf(run); outcome != RunOutcome::kActive)
    return Name(outcome);
  const api::Condition* stalled = api::FindCondition(run.status.conditions, "Stalled");
  if (stalled != nullptr && stalled->status == api::ConditionStatus::kTrue) return "Invalid";
  if (WaitsForTurn(run)) return "Pending";
  if (run.spec.suspend) return "Suspended";
  return run.status.summary.total == 0 ? "Pending" : "Running";
}

}  // namespace penstock::plan
