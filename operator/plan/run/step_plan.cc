#include "operator/plan/run/step_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/run/cache_key.h"
#include "operator/plan/run/pod_spec.h"

namespace penstock::plan {
namespace {

constexpr int kInfrastructureRetries = 5;
constexpr Milliseconds kLookAgain{2'000};
constexpr Milliseconds kOverdue{60'000};  // after a deleted pod's grace

api::StepRetries RetriesOf(const Spent& s) {
  return {s.user, s.out_of_memory, s.infrastructure, s.timeout};
}

Spent SpentOf(const api::StepRetries& r) {
  return {r.user, r.out_of_memory, r.infrastructure, r.timeout};
}

bool HasEnded(const PodFact& pod) {
  return pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed;
}

// Why a pod that waits does so, in one word that people search for.
std::string WaitingReason(const PodFact& pod) {
  const std::string& r = pod.waiting_reason;
  if (r.empty() || r == "ContainerCreating" || r == "PodInitializing") return "Starting";
  if (r == "SchedulingGated") return r;
  return r;
}

bool IsProblem(const std::string& reason) { return reason != "Starting"; }

class Observer {
 public:
  Observer(const RunObserved& o, const ResolvedStep& step, const api::StepStatus* prior,
           TimePoint now, RunPlan& plan)
      : o_(o), now_(now), plan_(plan) {
    s_.step = &step;
    s_.prior = prior;
    if (prior != nullptr) s_.status = *prior;
    s_.status.name = step.name;
  }

  StepState Observe(const std::vector<const PodFact*>& pods) {
    const PodFact* newest = nullptr;
    for (const PodFact* p : pods)
      if (newest == nullptr || p->attempt > newest->attempt) newest = p;
    const int known = s_.prior != nullptr ? s_.prior->attempts : 0;
    if (s_.prior != nullptr && api::IsFinal(s_.prior->phase) &&
        (newest == nullptr || newest->attempt <= known)) {
      s_.kind = StepState::Kind::kFinal;
      s_.ended = s_.prior->finish_time;
      DeleteLive(pods);
    } else if (newest != nullptr && newest->attempt >= known) {
      OfPod(*newest);
    } else if (known > 0) {
      OfMissingPod();
    } else {
      Idle();
    }
    return std::move(s_);
  }

 private:
  [[nodiscard]] const std::string& RunUid() const { return o_.run.meta.uid; }
  [[nodiscard]] bool Cancelled() const { return o_.run.spec.cancel != api::CancelMode::kNone; }

  const ReceiptAnswer* ReceiptOf(const std::string& pod) {
    const auto it = o_.receipts.find(pod);
    return it == o_.receipts.end() ? nullptr : &it->second;
  }

  // The status already says how the step ended; what still runs of it is of no use.
  void DeleteLive(const std::vector<const PodFact*>& pods) {
    for (const PodFact* p : pods)
      if (!HasEnded(*p) && !p->deleting) plan_.actions.emplace_back(DeletePod{p->name, p->uid, 0});
  }

  void Idle() {
    s_.kind = StepState::Kind::kIdle;
    s_.status.attempts = 0;
  }

  void Live() { s_.kind = StepState::Kind::kLive; }

  void OfPod(const PodFact& pod) {
    // What the pod says replaces what an older status said.
    const auto start = s_.status.start_time;
    api::StepStatus fresh;
    fresh.name = s_.step->name;
    fresh.attempts = pod.attempt;
    fresh.pod = pod.name;
    fresh.cache_key = pod.cache_key;
    fresh.cache_miss = pod.cache_key.empty() ? s_.status.cache_miss : "NotFound";
    fresh.retries = RetriesOf(pod.spent);
    fresh.start_time = pod.started ? std::optional(Seconds(*pod.started)) : std::nullopt;
    if (!fresh.start_time && s_.prior != nullptr && s_.prior->attempts == pod.attempt)
      fresh.start_time = start;
    s_.status = std::move(fresh);
    s_.ended = pod.finished;
    const Judgement j =
        JudgePod(IsOverdue(pod) ? Lost(pod) : pod, *s_.step, RunUid(), ReceiptOf(pod.name));
    switch (j.verdict) {
      case Verdict::kLive:
        return OfLivePod(pod);
      case Verdict::kNeedsReceipt:
        return Ask(plan_.requests.receipts, pod.name, "the store is asked for the receipt");
      case Verdict::kSucceeded:
        return Success(pod, j.receipt);
      case Verdict::kFailed:
        return Failure(j, pod.spent, pod.finished.value_or(now_));
    }
  }

  // A pod that should be gone since long: its kubelet does not answer any more.
  [[nodiscard]] bool IsOverdue(const PodFact& pod) const {
    return pod.gone_by && !HasEnded(pod) && now_ >= *pod.gone_by + kOverdue;
  }
  static PodFact Lost(PodFact pod) {
    pod.node_lost = true;
    return pod;
  }

  void Ask(std::vector<std::string>& list, const std::string& what, const char* message) {
    list.push_back(what);
    Live();
    if (s_.status.phase == api::StepPhase::kWaiting) s_.status.phase = api::StepPhase::kRunning;
    s_.status.message = message;
  }

  void Success(const PodFact& pod, const Receipt& receipt) {
    Succeed(s_, receipt, pod.finished.value_or(now_));
    const std::string key = pod.cache_base.empty() ? pod.cache_key : KeyOfWhatWasRead(pod, receipt);
    if (key.empty()) return;
    plan_.actions.emplace_back(RecordCache{key, receipt});
    if (!pod.settled_key.empty() && key == pod.cache_key)
      plan_.actions.emplace_back(RecordCache{pod.settled_key, receipt});
    s_.status.cache_key = key;
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

  void OfLivePod(const PodFact& pod) {
    Live();
    s_.occupies = true;
    if (pod.gone_by) s_.wake = *pod.gone_by + kOverdue;
    if (Cancelled()) StopPod(pod);
    if (pod.phase == PodPhase::kRunning || pod.started) {
      s_.status.phase = api::StepPhase::kRunning;
      if (pod.deleting) s_.status.reason = "Terminating";
      if (pod.node_lost) {
        s_.status.reason = "NodeLost";
        s_.status.message = "its node does not answer";
      }
      if (Cancelled()) s_.status.reason = "Cancelling";
      return;
    }
    s_.status.phase = api::StepPhase::kPending;
    s_.status.reason = Cancelled() ? "Cancelling" : WaitingReason(pod);
    if (IsProblem(s_.status.reason)) s_.status.message = Shown(pod.waiting_message);
    if (pod.deleting) return;
    const TimePoint since = pod.created.value_or(now_);
    const Milliseconds limit = PendingLimit(*s_.step);
    if (now_ - since < limit) {
      s_.wake = since + limit;
      return;
    }
    const std::string why = s_.status.message;
    Finish(s_, api::StepPhase::kFailed,
           s_.status.reason == "Starting" ? "PendingTimeout" : s_.status.reason,
           "did not start within " + FormatDuration(limit) + (why.empty() ? "" : ": " + why) +
               "; it is not tried again",
           now_);
    s_.newly_failed = true;
  }

  void StopPod(const PodFact& pod) {
    const bool at_once = o_.run.spec.cancel == api::CancelMode::kNow;
    if (pod.deleting && !at_once) return;
    plan_.actions.emplace_back(DeletePod{pod.name, pod.uid, at_once ? 0 : 30});
  }

  // Its pod was seen once and is not in the cache now.
  void OfMissingPod() {
    const api::StepStatus& prior = *s_.prior;
    s_.status.finish_time.reset();
    if (prior.retry_at) {  // the attempt's failure is accounted for already
      s_.kind = StepState::Kind::kIdle;
      s_.spent = SpentOf(prior.retries);
      s_.not_before = *prior.retry_at;
      return;
    }
    const auto gone = o_.pod_gone.find(prior.pod);
    if (gone == o_.pod_gone.end() || !gone->second) {
      s_.occupies = true;
      Ask(plan_.requests.live_pods, prior.pod, "the API server is asked for its pod");
      if (gone != o_.pod_gone.end()) s_.wake = now_ + kLookAgain;  // it is there; the cache lags
      return;
    }
    const Judgement j =
        JudgeVanished(prior.pod, prior.attempts, *s_.step, RunUid(), ReceiptOf(prior.pod));
    if (j.verdict == Verdict::kNeedsReceipt)
      return Ask(plan_.requests.receipts, prior.pod,
                 "its pod is gone; the store is asked for the receipt");
    if (j.verdict == Verdict::kSucceeded) {
      Succeed(s_, j.receipt, now_);
      if (!prior.cache_key.empty() && j.receipt.input_fingerprints.empty())
        plan_.actions.emplace_back(RecordCache{prior.cache_key, j.receipt});
      return;
    }
    s_.ended = now_;
    Failure(j, SpentOf(prior.retries), now_);
  }

  void Failure(const Judgement& j, const Spent& spent, TimePoint when) {
    if (Cancelled())
      return Finish(s_, api::StepPhase::kCancelled, "Cancelled", "the run was cancelled", when);
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
    s_.not_before = std::chrono::ceil<std::chrono::seconds>(when + d.wait);
    s_.status.phase = api::StepPhase::kPending;
    s_.status.reason = j.reason;
    s_.status.retries = RetriesOf(d.spent);
    s_.status.retry_at = s_.not_before;
    s_.status.message = j.message + "; " + d.reason;
  }

  const RunObserved& o_;
  TimePoint now_;
  RunPlan& plan_;
  StepState s_;
};

}  // namespace

StepState ObserveStep(const RunObserved& observed, const ResolvedStep& step,
                      const api::StepStatus* prior, const std::vector<const PodFact*>& pods,
                      TimePoint now, RunPlan& plan) {
  return Observer(observed, step, prior, now, plan).Observe(pods);
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

Milliseconds PendingLimit(const ResolvedStep& step) {
  return step.timeouts.pending.value_or(kDefaultPending);
}

void Finish(StepState& s, api::StepPhase phase, const std::string& reason,
            const std::string& message, TimePoint when) {
  s.kind = StepState::Kind::kFinal;
  s.occupies = false;
  s.wake.reset();
  s.status.phase = phase;
  s.status.reason = reason;
  s.status.message = Shown(message, 2048);
  s.status.finish_time = Seconds(when);
  s.status.retry_at.reset();
}

void Succeed(StepState& s, const Receipt& receipt, TimePoint when) {
  Finish(s, api::StepPhase::kSucceeded, "", "", when);
  s.status.outputs.clear();
  for (const OutputRecord& o : receipt.outputs)
    s.status.outputs.push_back(
        {o.name, o.type, o.artifact.digest, o.artifact.folder, o.artifact.bytes});
  s.status.results.clear();
  for (const auto& [name, value] : receipt.results.items()) s.status.results[name] = value;
}

}  // namespace penstock::plan
