#include "operator/plan/step/daemon_plan.h"

#include <algorithm>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/step_plan.h"
#include "operator/plan/step/stop.h"
#include "operator/plan/values/indexes.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

constexpr const char* kReady = "Ready";
constexpr int kDaemonGrace = 30;  // seconds

bool IsLiveDaemon(const StepState& s) { return s.step->daemon && s.kind == StepState::Kind::kLive; }

const PodFact* PodOf(const StepState& s, const RunObserved& o) {
  for (const PodFact& pod : o.pods)
    if (pod.name == s.status.pod) return &pod;
  return nullptr;
}

bool DependsOn(const StepState& user, const std::string& daemon) {
  return std::any_of(user.step->depends_on.begin(), user.step->depends_on.end(),
                     [&](const api::Dependency& d) { return d.step == daemon; });
}

// Of a loop, whether items are left that have not begun; of any other step, true.
bool HasMoreToStart(const StepState& s) {
  if (!s.step->loop || s.prior == nullptr || !s.prior->items) return true;
  const api::ItemsStatus& items = *s.prior->items;
  const auto total = static_cast<std::size_t>(items.total);
  std::size_t begun = static_cast<std::size_t>(items.running);
  for (const std::string* ended :
       {&items.succeeded_indexes, &items.failed_indexes, &items.skipped_indexes})
    begun += ParseIndexes(*ended, total).size();
  return begun < total;
}

// Whether one that depends on it has not begun, and waits for nothing else but daemons.
bool IsWaitedFor(const std::vector<StepState>& steps, const StepState& daemon) {
  const auto is_there = [&](const api::Dependency& d) {
    return std::any_of(steps.begin(), steps.end(), [&](const StepState& on) {
      return on.step->name == d.step && (on.step->daemon || on.kind == StepState::Kind::kFinal);
    });
  };
  return std::any_of(steps.begin(), steps.end(), [&](const StepState& s) {
    return s.kind == StepState::Kind::kIdle && !s.step->final_step && HasMoreToStart(s) &&
           DependsOn(s, daemon.step->name) &&
           std::all_of(s.step->depends_on.begin(), s.step->depends_on.end(), is_there);
  });
}

void ShowOne(StepState& s, const PodFact& pod, bool waited_for, const RunObserved& o, TimePoint now,
             RunPlan& plan) {
  if (s.status.phase != StepPhase::kRunning || pod.deleting) return;
  s.status.address = pod.address;
  if (pod.ready && !pod.address.empty()) {
    s.status.reason = kReady;
    s.status.message = "it serves at " + pod.address;
    return;
  }
  const bool was_ready =
      s.prior != nullptr && !s.prior->address.empty() && s.prior->attempts == s.status.attempts;
  s.status.message = was_ready ? "it is not ready any more" : "it is not ready yet";
  if (was_ready && !waited_for) return;  // those that run may do without
  if (!was_ready) s.status.address.clear();
  const Milliseconds limit = PendingLimit(*s.step);
  const TimePoint end = (was_ready ? pod.ready_since : pod.created).value_or(now) + limit;
  if (now < end) {
    s.wake = s.wake ? std::min(*s.wake, end) : end;
    return;
  }
  if (auto refused = PlanDelete(o, pod, kDaemonGrace, now, plan))
    s.delete_refused = std::move(refused);
  Finish(s, StepPhase::kFailed, "NotReady",
         (was_ready ? "was not ready any more for " : "was not ready within ") +
             FormatDuration(limit) +
             " (timeouts.pending): daemon.readiness did not hold; it is not tried again",
         now);
  s.newly_failed = true;
}

}  // namespace

bool IsNeeded(const std::vector<StepState>& steps, const StepState& daemon, bool also_by_ending) {
  bool has_users = false;
  bool others_go_on = false;
  for (const StepState& s : steps) {
    if (s.step->final_step) continue;  // they start when it has ended
    const bool goes_on = s.kind != StepState::Kind::kFinal && (also_by_ending || !s.ending);
    if (!s.step->daemon) others_go_on = others_go_on || goes_on;
    if (!DependsOn(s, daemon.step->name)) continue;
    if (goes_on) return true;
    has_users = true;
  }
  return !has_users && others_go_on;
}

bool Serves(const StepState& step) {
  return IsLiveDaemon(step) && step.status.reason == kReady && !step.status.address.empty();
}

Judgement EndedByItself() {
  Judgement j;
  j.verdict = Verdict::kFailed;
  j.failure = FailureClass::kUser;
  j.reason = "DaemonEnded";
  j.message = "it ended with exit code 0, but a daemon runs until the steps that use it have ended";
  return j;
}

void FinishServed(StepState& daemon, TimePoint when) {
  daemon.status.retry_at.reset();
  daemon.status.address.clear();
  Finish(daemon, StepPhase::kSucceeded, "", "ended, as the steps that use it have", when);
}

void ShowDaemons(std::vector<StepState>& steps, const RunObserved& o, TimePoint now,
                 RunPlan& plan) {
  for (StepState& s : steps) {
    if (!IsLiveDaemon(s) || StopOf(o, *s.step, now)) continue;
    if (const PodFact* pod = PodOf(s, o)) ShowOne(s, *pod, IsWaitedFor(steps, s), o, now, plan);
  }
}

bool EndDaemons(std::vector<StepState>& steps, const RunObserved& o, TimePoint now, RunPlan& plan) {
  bool any = false;
  // One that another one uses stands before it.
  for (auto s = steps.rbegin(); s != steps.rend(); ++s) {
    if (!s->step->daemon || s->kind == StepState::Kind::kFinal) continue;
    if (StopOf(o, *s->step, now) || IsNeeded(steps, *s)) continue;
    if (s->made) continue;  // its pod is there at the next visit, and is ended then
    any = true;
    if (s->status.attempts == 0 && s->kind == StepState::Kind::kIdle) {
      Finish(*s, StepPhase::kSkipped, "NotNeeded", "the steps that use it have ended", now);
      continue;
    }
    const PodFact* pod = PodOf(*s, o);
    if (pod != nullptr && !HasEnded(*pod) && !pod->deleting)
      if (auto refused = PlanDelete(o, *pod, kDaemonGrace, now, plan))
        s->delete_refused = std::move(refused);
    FinishServed(*s, now);
  }
  return any;
}

}  // namespace penstock::plan
