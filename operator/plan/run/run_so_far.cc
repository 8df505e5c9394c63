#include "operator/plan/run/run_so_far.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/plan/step/stop.h"

namespace penstock::plan {

using api::StepPhase;

RunSoFar HowItStands(const std::vector<StepState>& steps, Among among) {
  RunSoFar so_far;
  bool late = false;
  bool cancelled = false;
  bool active = false;
  for (const StepState& s : steps) {
    if (among == Among::kSteps && s.step->final_step) continue;
    active = active || s.kind != StepState::Kind::kFinal;
    if (s.status.phase == StepPhase::kFailed && !s.status.allowed) so_far.failures.push_back(&s);
    if (s.status.phase != StepPhase::kCancelled) continue;
    (s.status.reason == kDeadlineExceeded ? late : cancelled) = true;
  }
  if (active) {
    so_far.outcome = RunOutcome::kActive;
    return so_far;
  }
  if (late) {
    so_far.outcome = RunOutcome::kFailed;
    so_far.reason = kDeadlineExceeded;
  } else if (cancelled) {
    so_far.outcome = RunOutcome::kCancelled;
    so_far.reason = Name(RunOutcome::kCancelled);
  } else if (!so_far.failures.empty()) {
    so_far.outcome = RunOutcome::kFailed;
    so_far.reason = "StepFailed";
  } else {
    so_far.reason = Name(RunOutcome::kSucceeded);
  }
  return so_far;
}

Json RunValues(const RunObserved& observed, const std::vector<StepState>& steps, TimePoint now) {
  const RunSoFar so_far = HowItStands(steps, Among::kSteps);
  Json failures = Json::array();
  for (const StepState* s : so_far.failures)
    failures.push_back(
        {{"step", s->status.name}, {"reason", s->status.reason}, {"message", s->status.message}});
  const TimePoint began = observed.run.status.start_time.value_or(now);
  const auto took = std::chrono::floor<std::chrono::seconds>(now - began);
  return {{"status", Name(so_far.outcome)},
          {"failures", std::move(failures)},
          {"duration", std::max<std::int64_t>(0, took.count())}};
}

}  // namespace penstock::plan
