#include "operator/plan/run/status_plan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/run/run_conditions.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/step/gate_plan.h"
#include "operator/plan/step/last_good.h"

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
        sum.cached += s.status.cached && s.status.reason != kTaken ? 1 : 0;
        break;
      case StepPhase::kFailed:
        ++sum.failed;
        sum.allowed += s.status.allowed ? 1 : 0;
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

// What the steps are cannot be told now: their entries stay. The run has ended by being cancelled,
// or has not begun, or goes on.
void KeepEntries(const api::PipelineRunStatus& before, RunPlan& plan) {
  api::PipelineRunStatus& status = plan.status;
  status.summary = before.summary;
  status.steps = before.steps;
  status.succeeded_indexes = before.succeeded_indexes;
  status.skipped_indexes = before.skipped_indexes;
  status.outputs = before.outputs;
  status.results = before.results;
  if (!plan.finished) return;
  for (api::StepStatus& step : status.steps) {
    if (api::IsFinal(step.phase)) continue;
    step.phase = StepPhase::kCancelled;
    step.reason = "Cancelled";
    step.message = "the run was cancelled";
    step.finish_time = status.finish_time;
    step.retry_at.reset();
  }
  api::RunSummary& sum = status.summary;
  for (int* going_on : {&sum.waiting, &sum.pending, &sum.running})
    sum.cancelled += std::exchange(*going_on, 0);
}

bool WasTold(const RunObserved& o, const std::string& reason) {
  const auto* told = api::FindCondition(o.run.status.conditions, "Reconciling");
  return told != nullptr && told->reason == reason;
}

// Only what people act on: the run's end, failures, retries, steps that cannot start.
void PutEvents(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  const auto add = [&](const char* type, const std::string& reason, const std::string& message) {
    plan.events.push_back({type, reason, ShownEnds(message)});
  };
  if (o.WaitsForReceipts() && !WasTold(o, kStoreUnavailable))
    add("Warning", kStoreUnavailable, o.receipts_trouble);
  const std::string left_out = Shown(LeftOutText(o), 4096);
  const auto* told = api::FindCondition(o.run.status.conditions, kPodsAsAsked);
  if (!left_out.empty() && (told == nullptr || told->message != left_out))
    add("Warning", kFieldsLeftOut, left_out);
  const StepState* const kept = WithRefusedDelete(steps);
  for (const StepState& s : steps) {
    const std::string what = "step " + s.status.name + ": " + s.status.message;
    const bool was_failed = s.prior != nullptr && s.prior->phase == StepPhase::kFailed;
    if (s.status.last_good && (s.prior == nullptr || !s.prior->last_good)) {
      const bool used = s.status.last_good->outcome == api::LastGoodUse::kUsed;
      add("Warning", used ? kLastGoodUsed : "StepFailed", what);
    } else if (s.status.phase == StepPhase::kFailed && !was_failed && !s.step->on_failure) {
      add("Warning", "StepFailed",
          what + (s.status.allowed ? "; it may fail (allowFailure), and the run goes on" : ""));
      plan.urgent_status = true;
    } else if (s.newly_failed && s.status.retry_at) {
      add("Warning", "StepRetried", what);
      plan.urgent_status = true;
    } else if (s.status.reason == kAwaitingApproval && !api::IsFinal(s.status.phase) &&
               (s.prior == nullptr || s.prior->reason != kAwaitingApproval)) {
      add("Normal", kAwaitingApproval, what);
      plan.urgent_status = true;
    } else if (IsInTrouble(s) && (s.prior == nullptr || s.prior->reason != s.status.reason)) {
      add("Warning", s.status.reason, what);
      plan.urgent_status = true;
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
  const bool all_final = std::all_of(steps.begin(), steps.end(), [](const StepState& s) {
    return s.kind == StepState::Kind::kFinal;
  });
  const bool is_cancelled = o.run.spec.cancel != api::CancelMode::kNone;
  const bool is_over = o.resolved != nullptr ? all_final : is_cancelled || o.unresolvable;
  plan.finished = !o.WaitsForReceipts() && is_over && !has_leftovers;
  if (plan.finished)
    plan.status.finish_time = before.finish_time ? before.finish_time : WholeSeconds(now);
  if (o.resolved == nullptr || o.WaitsForReceipts()) {
    KeepEntries(before, plan);
  } else {
    plan.status.summary = Count(steps);
    PutEntries(o, steps, plan);
    PutOutputs(o, steps, plan);
    PutResults(o, steps, now, plan);
  }
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

std::vector<api::LockRef> OwnLocks(const RunObserved& o) {
  return o.resolved == nullptr ? std::vector<api::LockRef>() : o.resolved->locks;
}

void PutLocks(const RunObserved& o, const RunLocks& locks, const RunSteps& steps, bool suspended,
              RunPlan& plan) {
  const auto& before = o.run.status.locks;
  auto& after = plan.status.locks;
  if (plan.finished) {
    after.clear();
  } else if (o.WaitsForReceipts()) {
    after = before;
  } else if (o.resolved == nullptr) {  // what it would ask for is not known
    std::copy_if(before.begin(), before.end(), std::back_inserter(after),
                 [](const api::RunLock& lock) { return lock.held; });
  } else {
    const FactRequests& r = plan.requests;
    after = locks.Kept([&](const api::RunLock& lock) { return steps.Needs(lock); },
                       {.suspended = suspended,
                        .may_ask_again = !r.cache_keys.empty() || !r.fingerprints.empty()});
  }
  plan.takes_locks = locks.asked();
  plan.urgent_status = plan.urgent_status || after != before;
}

void PutLabels(const RunObserved& o, RunPlan& plan) {
  if (o.resolved == nullptr) return;
  // One that stands there is somebody's word.
  PutRunLabels missing;
  for (const auto& [key, value] : o.resolved->labels)
    if (!o.run.meta.labels.contains(key)) missing.labels[key] = value;
  if (!missing.labels.empty()) plan.actions.emplace_back(std::move(missing));
}

}  // namespace penstock::plan
