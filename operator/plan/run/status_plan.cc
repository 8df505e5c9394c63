#include "operator/plan/run/status_plan.h"

#include <algorithm>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/run/run_conditions.h"
#include "operator/plan/run/status_entries.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

api::RunSummary Count(const std::vector<StepState>& steps) {
  api::RunSummary sum;
  sum.total = static_cast<int>(steps.size());
  for (const StepState& s : steps) {
    switch (s.status.phase) {
      case StepPhase::kWaiting:
        ++sum.waiting;
        break;
      case StepPhase::kPending:
        ++sum.pending;
        break;
      case StepPhase::kRunning:
        ++sum.running;
        break;
      case StepPhase::kSucceeded:
        ++sum.succeeded;
        sum.cached += s.status.cached ? 1 : 0;
        break;
      case StepPhase::kFailed:
        ++sum.failed;
        break;
      case StepPhase::kSkipped:
        ++sum.skipped;
        break;
      case StepPhase::kCancelled:
        ++sum.cancelled;
        break;
    }
  }
  return sum;
}

bool WasTold(const RunObserved& o, const std::string& reason) {
  const auto* told = api::FindCondition(o.run.status.conditions, "Reconciling");
  return told != nullptr && told->reason == reason;
}

// Only what people act on: the run's begin and end, failures, retries, steps that cannot start.
void PutEvents(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  const auto add = [&](const char* type, const std::string& reason, const std::string& message) {
    plan.events.push_back({type, reason, ShownEnds(message)});
  };
  if (!o.run.status.start_time && plan.status.start_time)
    add("Normal", "RunStarted", "started with " + std::to_string(steps.size()) + " steps");
  const StepState* const kept = WithRefusedDelete(steps);
  for (const StepState& s : steps) {
    const std::string what = "step " + s.status.name + ": " + s.status.message;
    const bool was_failed = s.prior != nullptr && s.prior->phase == StepPhase::kFailed;
    if (s.status.phase == StepPhase::kFailed && !was_failed) {
      add("Warning", "StepFailed", what);
      plan.urgent_status = true;
    } else if (s.newly_failed && s.status.retry_at) {
      add("Warning", "StepRetried", what);
      plan.urgent_status = true;
    } else if (IsInTrouble(s) && (s.prior == nullptr || s.prior->reason != s.status.reason)) {
      add("Warning", s.status.reason, what);
    } else if (&s == kept && !WasTold(o, RefusalReason(s.delete_refused->why.kind))) {
      add("Warning", RefusalReason(s.delete_refused->why.kind),
          "step " + s.status.name + ": " + TextOf(*s.delete_refused));
    }
  }
}

}  // namespace

void PlanStatus(const RunObserved& o, const std::vector<StepState>& steps, bool has_leftovers,
                TimePoint now, RunPlan& plan) {
  const api::PipelineRunStatus& before = o.run.status;
  plan.status.observed_generation = o.run.meta.generation;
  plan.status.revision = o.revision.empty() ? before.revision : o.revision;
  plan.status.start_time = before.start_time;
  if (o.resolved != nullptr && !plan.status.start_time) plan.status.start_time = WholeSeconds(now);
  plan.status.summary = Count(steps);
  const bool all_final = std::all_of(steps.begin(), steps.end(), [](const StepState& s) {
    return s.kind == StepState::Kind::kFinal;
  });
  const bool cancelled_unresolved =
      o.resolved == nullptr && o.run.spec.cancel != api::CancelMode::kNone;
  plan.finished =
      o.resolved != nullptr ? all_final && !has_leftovers : cancelled_unresolved || o.unresolvable;
  if (plan.finished)
    plan.status.finish_time = before.finish_time ? before.finish_time : WholeSeconds(now);
  PutEntries(o, steps, plan);
  PutOutputs(o, steps, plan);
  const RunOutcome outcome = PutConditions(o, steps, now, plan);
  PutEvents(o, steps, plan);
  const bool ends_now = plan.finished && !before.finish_time;
  plan.urgent_status = plan.urgent_status || before.conditions.empty() || ends_now;
  if (ends_now) {
    const api::Condition* end = api::FindCondition(plan.status.conditions, "Succeeded");
    plan.events.push_back({outcome == RunOutcome::kFailed ? "Warning" : "Normal",
                           std::string("Run") + Name(outcome), ShownEnds(end->message)});
  }
}

}  // namespace penstock::plan
