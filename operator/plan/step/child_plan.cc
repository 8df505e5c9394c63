#include "operator/plan/step/child_plan.h"

#include <algorithm>
#include <utility>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/attempt.h"
#include "operator/plan/attempt/pod_programs.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/attempt/step_retry.h"
#include "operator/plan/step/stop.h"

namespace penstock::plan {
namespace {

using api::CancelMode;
using api::StepPhase;

constexpr Milliseconds kLookForRunAgain{2'000};

class ChildPlanner {
 public:
  ChildPlanner(const ResolvedStep& step, const api::StepStatus* prior,
               const std::vector<const ChildFact*>& children, const RunObserved& o, TimePoint now,
               RunPlan& plan)
      : children_(children), o_(o), now_(now), plan_(plan), stop_(StopOf(o, step, now)) {
    s_.step = &step;
    s_.prior = prior;
    if (prior != nullptr) s_.status = *prior;
    s_.status.name = step.name;
    for (const ChildFact* c : children)
      if (newest_ == nullptr || c->attempt > newest_->attempt) newest_ = c;
  }

  StepState Plan() {
    const int attempts = s_.prior != nullptr ? s_.prior->attempts : 0;
    // A newer run than the status names means that the status was not written: the run is true.
    const bool is_new = newest_ != nullptr && newest_->attempt > attempts;
    if (s_.prior != nullptr && api::IsFinal(s_.prior->phase) && !is_new) {
      s_.kind = StepState::Kind::kFinal;
      s_.ended = s_.prior->finish_time;
    } else if (newest_ != nullptr && newest_->attempt >= attempts) {
      Follow(*newest_);
    } else if (s_.prior != nullptr && attempts > 0) {
      Miss(*s_.prior);
    } else {
      s_.status.finish_time.reset();
    }
    StopUseless();
    return std::move(s_);
  }

 private:
  void StopUseless() {
    for (const ChildFact* child : children_)
      if (child != nullptr && (child != newest_ || s_.kind == StepState::Kind::kFinal))
        CancelUnended(*child, CancelMode::kNow, plan_);
  }

  // --- its run was seen once and is not known now

  void Miss(const api::StepStatus& prior) {
    s_.status.finish_time.reset();
    if (prior.retry_at) {
      s_.spent = SpentOf(prior.retries);
      s_.not_before = prior.retry_at;
      return;
    }
    const auto gone = o_.run_gone.find(prior.run);
    if (gone != o_.run_gone.end() && gone->second)
      return Fail(FailureClass::kInfrastructure, true, "RunVanished",
                  "its run " + prior.run + " is gone", SpentOf(prior.retries));
    s_.kind = StepState::Kind::kLive;
    s_.occupies = true;
    s_.status.message = "the API server is asked for its run";
    plan_.requests.live_runs.push_back(prior.run);
    if (gone != o_.run_gone.end()) s_.wake = now_ + kLookForRunAgain;
  }

  // --- its run is there

  void Follow(const ChildFact& c) {
    Show(c);
    switch (c.outcome) {
      case RunOutcome::kActive:
        return GoOn(c);
      case RunOutcome::kSucceeded:
        return Take(c);
      case RunOutcome::kFailed:
        // A spec that is wrong is wrong the next time; what it names may have come meanwhile.
        return Fail(c.reason == kDeadlineExceeded ? FailureClass::kTimeout : FailureClass::kUser,
                    c.reason != "InvalidSpec", "RunFailed",
                    "its run " + c.name + " failed: " + c.message, c.spent);
      case RunOutcome::kCancelled:
        return TakeCancelled(c);
    }
  }

  void Show(const ChildFact& c) {
    const api::StepStatus old = std::exchange(s_.status, {});
    s_.status.name = old.name;
    s_.status.attempts = c.attempt;
    s_.status.run = c.name;
    s_.status.retries = RetriesOf(c.spent);
    if (old.attempts > 0 && old.start_time)
      s_.status.start_time = old.start_time;  // of the first
    else
      s_.status.start_time = c.started;
    s_.ended = c.finished;
    if (c.outcome != RunOutcome::kActive) s_.status.results = c.results;  // of a failed one too
  }

  void GoOn(const ChildFact& c) {
    s_.kind = StepState::Kind::kLive;
    s_.occupies = true;
    s_.status.message = "its run is " + c.name;
    if (stop_) CancelUnended(c, stop_.AtOnce() ? CancelMode::kNow : CancelMode::kStop, plan_);
    if (!c.started) return AwaitStart(c);
    s_.status.phase = StepPhase::kRunning;
    if (!c.trouble.empty()) s_.status.message += ": " + Shown(c.trouble);
    if (stop_) s_.status.reason = "Cancelling";
    if (const auto& limit = s_.step->timeouts.attempt) {
      if (now_ < *c.started + *limit) {
        s_.wake = *c.started + *limit;
        return;
      }
      CancelUnended(c, CancelMode::kStop, plan_);
      s_.status.reason = "TimedOut";
      s_.status.message = "timeouts.attempt has passed; its run " + c.name + " is being ended";
    }
  }

  // It is resolved first; what is wrong with it may be cured.
  void AwaitStart(const ChildFact& c) {
    const bool wrong = !c.reason.empty() && c.reason != "Resolving";
    s_.status.phase = StepPhase::kPending;
    s_.status.reason = stop_ ? "Cancelling" : wrong ? c.reason : kStarting;
    if (wrong) s_.status.message += ": " + Shown(c.message, kMaxStepMessage / 2);
    if (c.suspended || o_.IsSuspended()) return;
    const TimePoint since = c.created.value_or(now_);
    const Milliseconds limit = PendingLimit(*s_.step);
    if (now_ - since < limit) {
      s_.wake = since + limit;
      return;
    }
    const std::string why = s_.status.message;
    Finish(s_, StepPhase::kFailed, wrong ? c.reason : "PendingTimeout",
           "did not start within " + FormatDuration(limit) + ": " + why + "; it is not tried again",
           now_);
    s_.newly_failed = true;
  }

  void Take(const ChildFact& c) {
    Finish(s_, StepPhase::kSucceeded, "", "", c.finished.value_or(now_));
    for (const api::PublishedOutput& o : c.outputs)
      s_.status.outputs.push_back({o.name, o.type, o.digest, o.folder, o.bytes});
  }

  void TakeCancelled(const ChildFact& c) {
    const auto& limit = s_.step->timeouts.attempt;
    const bool late = limit && c.started && c.finished && *c.finished - *c.started >= *limit;
    if (late && !stop_)
      return Fail(FailureClass::kTimeout, true, "TimedOut",
                  "timeouts.attempt has passed; its run " + c.name + " was ended", c.spent);
    if (stop_) return Stopped(c.finished.value_or(now_));
    Finish(s_, StepPhase::kCancelled, "RunCancelled", "its run " + c.name + " was cancelled",
           c.finished.value_or(now_));
  }

  void Stopped(TimePoint when) {
    Finish(s_, StepPhase::kCancelled, stop_.reason, stop_.message, when);
  }

  void Fail(FailureClass failure, bool may_retry, const std::string& reason,
            const std::string& message, const Spent& spent) {
    const TimePoint when = s_.ended.value_or(now_);
    if (stop_) return Stopped(when);
    const api::StepStatus* const prior = s_.prior;
    const bool is_counted =
        prior != nullptr && prior->retry_at && prior->attempts == s_.status.attempts;
    const auto began = is_counted ? std::nullopt : s_.status.start_time;
    const RetryDecision d = DecideStepRetry(s_.step->retry, spent, failure, began, when);
    s_.newly_failed = prior == nullptr || prior->attempts < s_.status.attempts ||
                      !(prior->retry_at || api::IsFinal(prior->phase));
    if (!may_retry || !d.retry) {
      Finish(s_, StepPhase::kFailed, reason,
             Shown(message, kMaxStepMessage - 200) + "; it is not tried again (" +
                 (may_retry ? d.reason : "it would end the same way") + ")",
             when);
      return;
    }
    s_.kind = StepState::Kind::kIdle;
    s_.spent = d.spent;
    s_.not_before =
        is_counted ? *prior->retry_at : std::chrono::ceil<std::chrono::seconds>(when + d.wait);
    s_.status.phase = StepPhase::kPending;
    s_.status.reason = reason;
    s_.status.retries = RetriesOf(d.spent);
    s_.status.retry_at = s_.not_before;
    s_.status.message = Shown(message, kMaxStepMessage - 200) + "; " + d.reason;
  }

  const std::vector<const ChildFact*>& children_;
  const RunObserved& o_;
  TimePoint now_;
  RunPlan& plan_;
  Stop stop_;
  const ChildFact* newest_ = nullptr;
  StepState s_;
};

}  // namespace

StepState PlanChildren(const ResolvedStep& step, const api::StepStatus* prior,
                       const std::vector<const ChildFact*>& children, const RunObserved& observed,
                       TimePoint now, RunPlan& plan) {
  return ChildPlanner(step, prior, children, observed, now, plan).Plan();
}

void CancelUnended(const ChildFact& child, api::CancelMode mode, RunPlan& plan) {
  if (child.outcome != RunOutcome::kActive || child.deleting || child.cancel >= mode) return;
  plan.actions.emplace_back(CancelChild{child.name, child.uid, mode});
}

NestingRefusal WhyNoChild(const RunObserved& observed, const ResolvedStep& step) {
  const Family& family = observed.family;
  if (family.above.size() + 1 >= static_cast<std::size_t>(kMaxNesting)) {
    std::string way;
    for (const std::string& of : family.above) way += of + " -> ";
    way += observed.resolved->pipeline.empty() ? "(in place)" : observed.resolved->pipeline;
    way += " -> " + (step.nested->pipeline.empty() ? step.name : step.nested->pipeline);
    return {"NestedTooDeep", "pipelines run within each other at most " +
                                 std::to_string(kMaxNesting) + " deep: " + way};
  }
  if (family.runs >= kMaxRunsWithin)
    return {"TooManyRuns", "there are " + std::to_string(family.runs) +
                               " runs within the outermost one; " + std::to_string(kMaxRunsWithin) +
                               " are allowed"};
  return {};
}

}  // namespace penstock::plan
