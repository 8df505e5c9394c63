#include "operator/plan/run/step_plan.h"

#include <algorithm>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/attempt/pod_spec.h"

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
        Ask(plan_.requests.receipts, f_.pod != nullptr
                                         ? "the store is asked for the receipt"
                                         : "its pod is gone; the store is asked for the receipt");
        break;
      case StepFacts::Kind::kSucceeded:
        TakeSuccess(f_.judgement.receipt);
        break;
      case StepFacts::Kind::kFailed:
        TakeFailure(f_.judgement);
        break;
    }
    return std::move(s_);
  }

 private:
  [[nodiscard]] bool Cancelled() const { return o_.run.spec.cancel != api::CancelMode::kNone; }

  // When the attempt ended, as far as that is known.
  [[nodiscard]] TimePoint EndedAt() const {
    return f_.pod != nullptr ? f_.pod->finished.value_or(now_) : now_;
  }

  // The status already says how the step ended; what still runs of it is of no use.
  void KeepEnd() {
    s_.kind = StepState::Kind::kFinal;
    s_.ended = s_.prior->finish_time;
    for (const PodFact* p : f_.useless) plan_.actions.emplace_back(DeletePod{p->name, p->uid, 0});
  }

  // What the pod says replaces what an older status said.
  void ShowPod(const PodFact& pod) {
    const api::StepStatus old = std::exchange(s_.status, {});
    s_.status.name = old.name;
    s_.status.attempts = pod.attempt;
    s_.status.pod = pod.name;
    s_.status.cache_key = pod.cache_key;
    s_.status.cache_miss = pod.cache_key.empty() ? old.cache_miss : "NotFound";
    s_.status.retries = RetriesOf(pod.spent);
    if (pod.started)
      s_.status.start_time = WholeSeconds(*pod.started);
    else if (s_.prior != nullptr && s_.prior->attempts == pod.attempt)
      s_.status.start_time = old.start_time;
    s_.ended = pod.finished;
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
    s_.wake = LostBy(pod);
    if (Cancelled()) StopPod(pod);
    if (pod.phase == PodPhase::kRunning || pod.started)
      ShowRunning(pod);
    else
      AwaitStart(pod);
  }

  void StopPod(const PodFact& pod) {
    const bool at_once = o_.run.spec.cancel == api::CancelMode::kNow;
    if (pod.deleting && !at_once) return;
    plan_.actions.emplace_back(DeletePod{pod.name, pod.uid, at_once ? 0 : 30});
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
    s_.status.reason = problem.empty() ? "Starting" : problem;
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
        plan_.actions.emplace_back(RecordCache{s_.prior->cache_key, receipt});
      return;
    }
    const PodFact& pod = *f_.pod;
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
    s_.not_before = std::chrono::ceil<std::chrono::seconds>(when + d.wait);
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

StepState PlanStep(const StepFacts& facts, const RunObserved& observed, TimePoint now,
                   RunPlan& plan) {
  return StepPlanner(facts, observed, now, plan).Plan();
}

}  // namespace penstock::plan
