#include "operator/plan/run/step_plan.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/run/step_cache.h"

namespace penstock::plan {
namespace {

constexpr int kInfrastructureRetries = 5;
constexpr Milliseconds kLookAgain{2'000};

api::StepRetries RetriesOf(const Spent& s) {
  return {s.user, s.out_of_memory, s.infrastructure, s.timeout};
}

Spent SpentOf(const api::StepRetries& r) {
  return {r.user, r.out_of_memory, r.infrastructure, r.timeout};
}

RetryPolicy PolicyOf(const api::RetrySpec& retry) {
  const auto budget = [](const api::RetryBudget& b, int limit) {
    RetryBudget out{.limit = b.limit.value_or(limit)};
    if (b.backoff) out.base = *b.backoff;
    if (b.max_backoff) out.cap = *b.max_backoff;
    out.cap = std::max(out.cap, out.base);
    return out;
  };
  return {.user = budget(retry.user, 0),
          .out_of_memory = budget(retry.out_of_memory, 0),
          .infrastructure = budget(retry.infrastructure, kInfrastructureRetries),
          .timeout = budget(retry.timeout, 0)};
}

// What keeps a pod from starting, in one word that people search for; empty: it is starting.
std::string ProblemOf(const PodFact& pod) {
  const std::string& r = pod.waiting_reason;
  return r == "ContainerCreating" || r == "PodInitializing" ? "" : r;
}

class StepPlanner {
 public:
  StepPlanner(const StepFacts& facts, const RunObserved& o, TimePoint now, RunPlan& plan)
      : f_(facts), o_(o), now_(now), plan_(plan) {
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
    for (const PodFact* p : f_.useless) Delete(*p, p->outlived ? 30 : 0);
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
        Ask(plan_.requests.receipts, f_.pod != nullptr
                                         ? "the store is asked for the receipt"
                                         : "its pod is gone; the store is asked for the receipt");
        ShowStoreTrouble(s_, s_.status.message, o_, s_.status.pod);
        break;
      case StepFacts::Kind::kSucceeded:
        TakeSuccess(f_.judgement.receipt);
        break;
      case StepFacts::Kind::kFailed:
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
    if (!Cancelled() || trouble == o_.store_trouble.end()) return false;
    Finish(s_, api::StepPhase::kCancelled, "Cancelled",
           "the run was cancelled; how this step has ended is not known, as the artifact store "
           "could not be asked: " +
               trouble->second,
           EndedAt());
    return true;
  }

  [[nodiscard]] bool Cancelled() const { return o_.run.spec.cancel != api::CancelMode::kNone; }

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
    if (Cancelled()) StopPod(pod);
    if (pod.phase == PodPhase::kRunning || pod.started)
      ShowRunning(pod);
    else
      AwaitStart(pod);
  }

  void StopPod(const PodFact& pod) {
    const bool at_once = o_.run.spec.cancel == api::CancelMode::kNow;
    if (pod.deleting && !at_once) return;
    Delete(pod, at_once ? 0 : 30);
  }

  void ShowRunning(const PodFact& pod) {
    s_.status.phase = api::StepPhase::kRunning;
    if (pod.deleting) s_.status.reason = "Terminating";
    if (pod.node_lost) {
      s_.status.reason = "NodeLost";
      s_.status.message = "its node does not answer";
    }
    if (Cancelled()) s_.status.reason = "Cancelling";
  }

  void AwaitStart(const PodFact& pod) {
    const std::string problem = Cancelled() ? "Cancelling" : ProblemOf(pod);
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

  void TakeFailure(const Judgement& j) {
    if (f_.pod == nullptr) s_.ended = now_;
    const TimePoint when = EndedAt();
    if (Cancelled())
      return Finish(s_, api::StepPhase::kCancelled, "Cancelled", "the run was cancelled", when);
    const Spent spent = f_.pod != nullptr ? f_.pod->spent : SpentOf(s_.prior->retries);
    const RetryDecision d = DecideRetry(PolicyOf(s_.step->retry), spent, j.failure);
    s_.newly_failed = s_.prior == nullptr || s_.prior->attempts < s_.status.attempts ||
                      !(s_.prior->retry_at || api::IsFinal(s_.prior->phase));
    if (!j.may_retry || !d.retry) {
      Finish(s_, api::StepPhase::kFailed, j.reason,
             j.message + "; it is not tried again (" +
                 (j.may_retry ? d.reason : "it would end the same way") + ")",
             when);
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
