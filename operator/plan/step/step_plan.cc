#include "operator/plan/step/step_plan.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_programs.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/attempt/step_retry.h"
#include "operator/plan/step/daemon_plan.h"
#include "operator/plan/step/step_cache.h"
#include "operator/plan/step/stop.h"

namespace penstock::plan {
namespace {

constexpr Milliseconds kLookAgain{2'000};

// What keeps a pod from starting, in one word that people search for; empty: it is starting.
std::string ProblemOf(const PodFact& pod) {
  const std::string& r = pod.waiting_reason;
  return r == "ContainerCreating" || r == "PodInitializing" ? "" : r;
}

class StepPlanner {
 public:
  StepPlanner(const StepFacts& facts, const RunObserved& o, TimePoint now, RunPlan& plan)
      : f_(facts), o_(o), now_(now), plan_(plan), stop_(StopOf(o, *facts.step, now)) {
    s_.step = facts.step;
    s_.prior = facts.prior;
    if (s_.prior != nullptr) s_.status = *s_.prior;
    s_.status.name = facts.step->name;
  }

  StepState Plan() {
    if (f_.pod != nullptr) {
      ShowPod(*f_.pod);
    } else if (f_.kind != StepFacts::Kind::kEnded) {
      s_.status.finish_time.reset();
    }
    for (const PodFact* p : f_.useless) Delete(*p, p->outlived || s_.step->daemon ? 30 : 0);
    switch (f_.kind) {
      case StepFacts::Kind::kFresh:
        s_.status.attempts = 0;
        break;
      case StepFacts::Kind::kEnded:
        KeepEnd();
        break;
      case StepFacts::Kind::kFailureCounted:
        s_.spent = SpentOf(s_.prior->retries);
        s_.not_before = *s_.prior->retry_at;
        break;
      case StepFacts::Kind::kLive:
        GoOn(*f_.pod);
        break;
      case StepFacts::Kind::kPodUnknown:
        s_.occupies = true;
        Ask(plan_.requests.live_pods, "the API server is asked for its pod");
        if (f_.pod_lags) s_.wake = now_ + kLookAgain;
        break;
      case StepFacts::Kind::kEndUnknown:
        if (EndsUnknown()) break;
        s_.ending = true;
        Ask(plan_.requests.receipts, f_.pod != nullptr
                                         ? "the store is asked for the receipt"
                                         : "its pod is gone; the store is asked for the receipt");
        ShowStoreTrouble(s_, s_.status.message, o_, s_.status.pod);
        break;
      case StepFacts::Kind::kSucceeded:
        if (EndsAsItShould()) break;
        if (s_.step->daemon) {
          TakeFailure(EndedByItself());
          break;
        }
        TakeSuccess(f_.judgement.receipt);
        s_.status.message = f_.judgement.note;
        break;
      case StepFacts::Kind::kFailed:
        if (EndsAsItShould()) break;
        TakeFailure(f_.judgement);
        break;
    }
    ShowSilentSource();
    ShowRefusedDelete();
    return std::move(s_);
  }

 private:
  // Said again where no status was written between the answer and the pod.
  void ShowSilentSource() {
    const std::string& said = s_.status.cache_miss;
    if (f_.pod == nullptr || f_.pod->cache_base.empty() || !f_.pod->cache_key.empty()) return;
    if (!said.empty() && said != "NoFingerprint") return;
    if (std::string why = WhySilent(*s_.step, o_); !why.empty()) s_.status.cache_miss = why;
  }

  void Delete(const PodFact& pod, int grace_seconds) {
    if (auto refused = PlanDelete(o_, pod, grace_seconds, now_, plan_))
      s_.delete_refused = std::move(refused);
  }

  // How a step has ended stays; the run's conditions have it for that.
  void ShowRefusedDelete() {
    if (!s_.delete_refused || s_.kind != StepState::Kind::kLive) return;
    s_.status.reason = RefusalReason(s_.delete_refused->why.kind);
    s_.status.message = TextOf(*s_.delete_refused);
  }

  // A cancel does not wait for a store that cannot be asked how the attempt has ended.
  bool EndsUnknown() {
    const auto trouble = o_.store_trouble.find(s_.status.pod);
    if (!stop_ || trouble == o_.store_trouble.end()) return false;
    Finish(s_, api::StepPhase::kCancelled, stop_.reason,
           stop_.message +
               "; how this step has ended is not known, as the artifact store "
               "could not be asked: " +
               trouble->second,
           EndedAt());
    return true;
  }

  // When the attempt ended, as far as that is known.
  [[nodiscard]] TimePoint EndedAt() const {
    return f_.pod != nullptr ? f_.pod->finished.value_or(now_) : now_;
  }

  // When it was seen to end, by the clock that now_ is of.
  [[nodiscard]] TimePoint EndSeenAt() const {
    if (f_.pod == nullptr) return now_;
    return f_.pod->end_seen ? *f_.pod->end_seen : EndedAt();
  }
  // The status says already when this failure is tried again.
  [[nodiscard]] bool IsCounted() const {
    return s_.prior != nullptr && s_.prior->retry_at && s_.prior->attempts == s_.status.attempts;
  }

  // The status already says how the step ended.
  void KeepEnd() {
    s_.kind = StepState::Kind::kFinal;
    s_.ended = s_.prior->finish_time;
  }

  // What the pod says replaces what an older status said.
  void ShowPod(const PodFact& pod) {
    const api::StepStatus old = std::exchange(s_.status, {});
    s_.status.name = old.name;
    s_.status.attempts = pod.attempt;
    s_.status.pod = pod.name;
    s_.status.cache_key = pod.cache_key;
    s_.status.cache_miss = CacheMissOf(pod, old.cache_miss);
    s_.status.retries = RetriesOf(pod.spent);
    if (old.attempts > 0 && old.start_time)
      s_.status.start_time = old.start_time;  // of the first pod
    else if (pod.started)
      s_.status.start_time = WholeSeconds(*pod.started);
    s_.ended = pod.finished;
  }

  // Why the pod was made, also where no status was written in between that says it.
  [[nodiscard]] std::string CacheMissOf(const PodFact& pod, const std::string& said) const {
    if (pod.remakes_damage) return kDamaged;
    if (said == kRerun) return said;
    if (!pod.cache_key.empty()) return "NotFound";
    if (!said.empty()) return said;
    std::string why = WhyNotCacheable(*s_.step);
    if (!why.empty()) return why;
    return pod.cache_base.empty() ? "" : "NoFingerprint";
  }

  void Ask(std::vector<std::string>& list, const char* message) {
    list.push_back(s_.status.pod);
    s_.kind = StepState::Kind::kLive;
    if (s_.status.phase == api::StepPhase::kWaiting) s_.status.phase = api::StepPhase::kRunning;
    s_.status.message = message;
  }

  // --- an attempt that goes on

  void GoOn(const PodFact& pod) {
    s_.kind = StepState::Kind::kLive;
    s_.occupies = true;
    s_.wake = LookAgainAt(pod);
    if (stop_) StopPod(pod);
    if (pod.phase == PodPhase::kRunning || pod.started)
      ShowRunning(pod);
    else
      AwaitStart(pod);
  }

  void StopPod(const PodFact& pod) {
    if (pod.deleting && !stop_.AtOnce()) return;
    Delete(pod, stop_.AtOnce() ? 0 : 30);
  }

  void ShowRunning(const PodFact& pod) {
    s_.status.phase = api::StepPhase::kRunning;
    if (pod.deleting) s_.status.reason = "Terminating";
    if (pod.node_lost) {
      s_.status.reason = "NodeLost";
      s_.status.message = "its node does not answer";
    }
    if (stop_) s_.status.reason = "Cancelling";
  }

  void AwaitStart(const PodFact& pod) {
    const std::string problem = stop_ ? "Cancelling" : ProblemOf(pod);
    s_.status.phase = api::StepPhase::kPending;
    s_.status.reason = problem.empty() ? kStarting : problem;
    if (!problem.empty()) s_.status.message = Shown(pod.waiting_message);
    if (pod.deleting) return;
    const TimePoint since = pod.created.value_or(now_);
    const Milliseconds limit = PendingLimit(*s_.step);
    if (now_ - since < limit) {
      s_.wake = since + limit;
      return;
    }
    const std::string why = s_.status.message;
    Finish(s_, api::StepPhase::kFailed, problem.empty() ? "PendingTimeout" : problem,
           "did not start within " + FormatDuration(limit) + (why.empty() ? "" : ": " + why) +
               "; it is not tried again",
           now_);
    s_.newly_failed = true;
  }

  // --- an attempt that has ended

  // A daemon that nobody needs has served, however it ended.
  bool EndsAsItShould() {
    if (!f_.over || stop_) return false;
    FinishServed(s_, EndedAt());
    return true;
  }

  void TakeSuccess(const Receipt& receipt) {
    Succeed(s_, receipt, EndedAt());
    if (f_.pod == nullptr) {
      // The key is the status's; with sources it would have to be told anew, and nothing says how.
      if (!s_.prior->cache_key.empty() && receipt.input_fingerprints.empty())
        Record(s_.prior->cache_key, receipt);
      return;
    }
    const PodFact& pod = *f_.pod;
    const std::string key = pod.cache_base.empty() ? pod.cache_key : KeyOfWhatWasRead(pod, receipt);
    if (key.empty()) return;
    Record(key, receipt);
    if (!pod.settled_key.empty() && key == pod.cache_key) Record(pod.settled_key, receipt);
    s_.status.cache_key = key;
  }

  // Unless the step itself says that no other run may take what it made.
  void Record(const std::string& key, const Receipt& receipt) {
    if (receipt.not_reusable.empty())
      plan_.actions.emplace_back(RecordCache{key, receipt});
    else
      s_.status.cache_miss =
          std::string(kNotReusable) + ": " + Shown(receipt.not_reusable, kMaxNotReusable);
  }

  // The source may have been silent when the step was started, or another one by the time it was
  // read: what the step read counts.
  static std::string KeyOfWhatWasRead(const PodFact& pod, const Receipt& receipt) {
    std::map<std::string, std::string> identities;
    for (const auto& [input, uri] : pod.source_uris) {
      const auto print = receipt.input_fingerprints.find(input);
      identities[input] = print == receipt.input_fingerprints.end()
                              ? std::string()
                              : SourceIdentity(uri, print->second);
    }
    return WithSources(pod.cache_base, identities);
  }

  // Where the step names exit codes, no other failure of its program is tried again.
  [[nodiscard]] bool IsRetried(const Judgement& j) const {
    const auto& codes = s_.step->retry.user.on_exit_codes;
    if (j.failure != FailureClass::kUser || codes.empty()) return true;
    return j.exit_code && std::find(codes.begin(), codes.end(), Json(*j.exit_code)) != codes.end();
  }

  void TakeFailure(const Judgement& j) {
    if (f_.pod == nullptr) s_.ended = now_;
    const TimePoint when = EndedAt();
    if (stop_) return Finish(s_, api::StepPhase::kCancelled, stop_.reason, stop_.message, when);
    const Spent spent = f_.pod != nullptr ? f_.pod->spent : SpentOf(s_.prior->retries);
    // What was decided stays so while the pause lasts.
    const auto began = IsCounted() ? std::nullopt : s_.status.start_time;
    const RetryDecision d = DecideStepRetry(s_.step->retry, spent, j.failure, began, when);
    const bool may_retry = j.may_retry && IsRetried(j);
    s_.newly_failed = s_.prior == nullptr || s_.prior->attempts < s_.status.attempts ||
                      !(s_.prior->retry_at || api::IsFinal(s_.prior->phase));
    if (!may_retry || !d.retry) {
      const char* same =
          j.may_retry ? "retry.user.onExitCodes does not name it" : "it would end the same way";
      Finish(s_, api::StepPhase::kFailed, j.reason,
             j.message + "; it is not tried again (" + (may_retry ? d.reason : same) + ")", when);
      s_.status.results = j.results;
      // A launcher's word; what is no exit code would have the whole status refused.
      if (j.exit_code && *j.exit_code >= 0 && *j.exit_code <= 255)
        s_.status.exit_code = j.exit_code;
      return;
    }
    s_.kind = StepState::Kind::kIdle;
    s_.spent = d.spent;
    s_.damaged = j.damaged;
    s_.not_before = IsCounted() ? *s_.prior->retry_at
                                : std::chrono::ceil<std::chrono::seconds>(EndSeenAt() + d.wait);
    s_.status.phase = api::StepPhase::kPending;
    s_.status.reason = j.reason;
    s_.status.retries = RetriesOf(d.spent);
    s_.status.retry_at = s_.not_before;
    s_.status.message = j.message + "; " + d.reason;
  }

  const StepFacts& f_;
  const RunObserved& o_;
  TimePoint now_;
  RunPlan& plan_;
  Stop stop_;
  StepState s_;
};

}  // namespace

std::optional<Refusal> PlanDelete(const RunObserved& observed, const PodFact& pod,
                                  int grace_seconds, TimePoint now, RunPlan& plan) {
  std::optional<Refusal> refused;
  const auto found = observed.deletes.find(pod.uid);
  if (found != observed.deletes.end()) {
    const DeleteTried& tried = found->second;
    if (tried.refused) refused = Refusal{"Pod " + pod.name, *tried.refused};
    if (grace_seconds >= tried.grace_seconds && now < tried.next_try) {
      const auto wait = std::chrono::ceil<Milliseconds>(tried.next_try - now);
      plan.requeue_after = std::min(plan.requeue_after.value_or(wait), wait);
      return refused;
    }
  }
  plan.actions.emplace_back(DeletePod{pod.name, pod.uid, grace_seconds});
  return refused;
}

StepState PlanStep(const StepFacts& facts, const RunObserved& observed, TimePoint now,
                   RunPlan& plan) {
  return StepPlanner(facts, observed, now, plan).Plan();
}

}  // namespace penstock::plan
