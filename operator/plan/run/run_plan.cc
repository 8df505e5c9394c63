#include "operator/plan/run/run_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/attempt/refusal_reason.h"
#include "operator/plan/run/put_artifacts.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/run/status_plan.h"
#include "operator/plan/run/step_cache.h"
#include "operator/plan/run/step_inputs.h"
#include "operator/plan/run/step_plan.h"

namespace penstock::plan {
namespace {

using api::DependencyOutcome;
using api::StepPhase;

constexpr int kMaxCreates = 50;
constexpr Milliseconds kRefusedAgain{5'000};
constexpr Milliseconds kCleanUpAgain{100};
// Steps without a place that are still looked up in the cache, which needs none.
constexpr int kLookAhead = 100;

class RunPlanner {
 public:
  RunPlanner(const RunObserved& o, const PodSettings& settings, TimePoint now)
      : o_(o), settings_(settings), now_(now) {}

  RunPlan Plan() {
    if (!o_.WaitsForReceipts()) Decide();
    PlanStatus(o_, steps_, HasLeftovers(), now_, plan_);
    for (const StepState& s : steps_)
      if (s.wake && s.kind != StepState::Kind::kFinal) Wake(*s.wake);
    if (plan_.finished) plan_.requeue_after.reset();
    return std::move(plan_);
  }

 private:
  void Decide() {
    if (o_.resolved == nullptr) {
      if (Cancelled()) StopAll();
      return;
    }
    TakeUp();
    RepairDamaged();
    for (StepState& s : steps_)
      if (s.kind == StepState::Kind::kIdle) Advance(s);
  }

  void Wake(TimePoint at) {
    const auto wait = std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(at - now_));
    plan_.requeue_after = std::min(plan_.requeue_after.value_or(wait), wait);
  }

  [[nodiscard]] bool Cancelled() const { return o_.run.spec.cancel != api::CancelMode::kNone; }

  // Of a cancelled run of which it is not known what it is made of.
  void StopAll() {
    const bool at_once = o_.run.spec.cancel == api::CancelMode::kNow;
    for (const PodFact& p : o_.pods) {
      if (HasEnded(p) || (p.deleting && !at_once)) continue;
      if (auto refused = PlanDelete(o_, p, at_once ? 0 : 30, now_, plan_))
        plan_.delete_refused = std::move(refused);
    }
  }
  [[nodiscard]] bool HasUnended() {
    bool has = false;
    for (const PodFact& p : o_.pods) {
      const auto over = LookAgainAt(p);
      if (HasEnded(p) || (over && now_ >= *over)) continue;
      if (over) Wake(*over);
      has = true;
    }
    return has;
  }

  // A pod of a step that has ended: the run ends when it is gone, or nobody would see to it.
  [[nodiscard]] bool HasLeftovers() {
    if (o_.resolved == nullptr) return HasUnended();
    for (const PodFact& p : o_.pods) {
      if (p.deleting || (HasEnded(p) && !p.outlived)) continue;
      const auto step = index_.find(p.step);
      if (step == index_.end() || steps_[step->second].kind != StepState::Kind::kFinal) continue;
      const auto tried = o_.deletes.find(p.uid);
      if (tried == o_.deletes.end() || tried->second.next_try <= now_) Wake(now_ + kCleanUpAgain);
      return true;
    }
    return false;
  }

  // --- what is there

  void TakeUp() {
    const auto& resolved = o_.resolved->steps;
    std::map<std::string, std::vector<const PodFact*>> pods;
    for (const PodFact& p : o_.pods) pods[p.step].push_back(&p);
    std::map<std::string, const api::StepStatus*> prior;
    for (const auto& s : o_.run.status.steps) prior[s.name] = &s;
    RestoreCut(prior);
    steps_.reserve(resolved.size());
    for (const ResolvedStep& step : resolved) {
      const auto before = prior.find(step.name);
      const StepFacts facts = ObserveStep(
          o_, step, before == prior.end() ? nullptr : before->second, pods[step.name], now_);
      steps_.push_back(PlanStep(facts, o_, now_, plan_));
      index_[step.name] = steps_.size() - 1;
      if (steps_.back().occupies) ++occupied_;
    }
    ReopenCut();
  }

  // Steps whose entries did not fit into the status.
  void RestoreCut(std::map<std::string, const api::StepStatus*>& prior) {
    const auto& resolved = o_.resolved->steps;
    const auto restore = [&](const std::string& indexes, StepPhase phase) {
      for (const std::size_t i : ParseIndexes(indexes, resolved.size())) {
        if (prior.contains(resolved[i].name)) continue;
        api::StepStatus& s = cut_[resolved[i].name];
        s.name = resolved[i].name;
        s.phase = phase;
        prior[s.name] = &s;
      }
    };
    restore(o_.run.status.succeeded_indexes, StepPhase::kSucceeded);
    restore(o_.run.status.skipped_indexes, StepPhase::kSkipped);
  }

  // A cut step whose outputs are wanted and whose pod is gone: the cache, where it came from or
  // where it was recorded, is asked again.
  void ReopenCut() {
    if (cut_.empty()) return;
    for (const StepState& s : steps_) {
      if (s.kind == StepState::Kind::kFinal) continue;
      for (const OutputRef& taken : s.step->Takes()) {
        const auto it = cut_.find(taken.step);
        if (it == cut_.end() || it->second.phase != StepPhase::kSucceeded) continue;
        StepState& from = steps_[index_.at(taken.step)];
        if (from.kind == StepState::Kind::kFinal && from.status.outputs.empty())
          from.kind = StepState::Kind::kIdle;
      }
    }
  }

  // An input that does not match its digest: its producer runs again, the consumer waits for it.
  void RepairDamaged() {
    for (StepState& consumer : steps_) {
      if (consumer.damaged.empty()) continue;
      for (const OutputRef& taken : consumer.step->Takes()) {
        StepState& producer = steps_[index_.at(taken.step)];
        const bool made =
            std::any_of(producer.status.outputs.begin(), producer.status.outputs.end(),
                        [&](const auto& o) { return o.digest == consumer.damaged; });
        const bool before = !producer.status.finish_time || !consumer.ended ||
                            *producer.status.finish_time <= *consumer.ended;
        if (producer.status.phase != StepPhase::kSucceeded || !made || !before) continue;
        if (!producer.status.cache_key.empty())
          plan_.actions.emplace_back(DropCache{producer.status.cache_key});
        producer.kind = StepState::Kind::kIdle;
        producer.skip_cache = true;
        producer.status.phase = StepPhase::kWaiting;
        producer.status.cached = false;
        producer.status.cached_from.clear();
        producer.status.sources.clear();
        producer.status.outputs.clear();
        producer.status.results.clear();
        producer.status.finish_time.reset();
        producer.status.message = "its output is damaged in the store; it runs again";
      }
    }
  }

  // --- what comes next for a step without a live pod

  void Advance(StepState& s) {
    if (Cancelled())
      return Finish(s, StepPhase::kCancelled, "Cancelled", "the run was cancelled", now_);
    if (!DependenciesMet(s)) return;
    const Ingredients in = Gather(*s.step, o_.run.meta.name, [this](const std::string& name) {
      const auto it = index_.find(name);
      return it == index_.end() ? nullptr : &steps_[it->second].status;
    });
    if (!in.fail_reason.empty()) {
      Finish(s, StepPhase::kFailed, in.fail_reason, in.message + "; it is not tried again", now_);
      return;
    }
    if (!in.skip_reason.empty())
      return Finish(s, StepPhase::kSkipped, in.skip_reason, in.message, now_);
    if (o_.run.spec.suspend) return Wait(s, Hold::kSuspended, "spec.suspend is true");
    if (s.not_before && now_ < *s.not_before) {
      s.wake = *s.not_before;
      return;
    }
    if (!HasPlace() && ++looked_ahead_ > kLookAhead) return WaitForPlace(s);
    AttemptSpec spec{s.step, s.status.attempts + 1, s.spent, "", in.parameters, in.inputs};
    if (!FindPutArtifacts(s, spec, o_, now_, plan_.requests)) return;
    spec.code = in.code;
    if (!MustStart(s, spec, o_, now_, plan_.requests)) return;
    Start(s, spec);
  }

  bool DependenciesMet(StepState& s) {
    std::string waits_for;
    for (const api::Dependency& d : s.step->depends_on) {
      const StepState& on = steps_[index_.at(d.step)];
      if (on.kind != StepState::Kind::kFinal) {
        if (waits_for.empty()) waits_for = d.step;
        continue;
      }
      const StepPhase phase = on.status.phase;
      const bool met =
          d.outcome == DependencyOutcome::kAny ||
          (d.outcome == DependencyOutcome::kSucceeded && phase == StepPhase::kSucceeded) ||
          (d.outcome == DependencyOutcome::kFailed && phase == StepPhase::kFailed);
      if (met) continue;
      Finish(s, StepPhase::kSkipped, std::string("Dependency") + api::Name(phase),
             "step " + d.step + " ended as " + api::Name(phase), now_);
      return false;
    }
    if (!waits_for.empty()) Wait(s, Hold::kDependencies);
    return waits_for.empty();
  }

  [[nodiscard]] bool IsFull() const {
    return o_.resolved->parallelism && occupied_ >= *o_.resolved->parallelism;
  }
  [[nodiscard]] bool HasPlace() const { return !IsFull() && creates_ < kMaxCreates; }

  void WaitForPlace(StepState& s) {
    // Where nothing is made now, the next plan would be this one: what holds the places wakes it.
    if (!IsFull() && made_ > 0) plan_.requeue_after = Milliseconds(0);
    Wait(s, IsFull() ? Hold::kParallelism : Hold::kQueued);
  }

  void Start(StepState& s, const AttemptSpec& spec) {
    if (!HasPlace()) return WaitForPlace(s);
    if (!s.status.retry_at) {
      s.status.phase = StepPhase::kPending;
      s.status.reason = kStarting;
      s.status.message.clear();
    }
    const std::string pod = PodName(o_.run.meta.name, o_.run.meta.uid, s.step->name, spec.attempt);
    const auto refusal = o_.create_errors.find(pod);
    if (refusal != o_.create_errors.end() && !MayTryAgain(s, pod, refusal->second)) return;
    auto built = BuildAttempt(o_.run, spec, settings_);
    if (!built) {
      Finish(s, StepPhase::kFailed, "InvalidSpec", built.error().message, now_);
      return;
    }
    if (!built->config_map_name.empty()) {
      plan_.actions.emplace_back(
          CreateConfigMap{built->config_map_name, std::move(built->config_map), built->pod_name});
    }
    plan_.actions.emplace_back(CreatePod{built->pod_name, std::move(built->pod)});
    ++made_;
    ++creates_;
    ++occupied_;
  }

  // The API server would not take the pod. False when it is not time to try again, or the step has
  // waited long enough for it.
  bool MayTryAgain(StepState& s, const std::string& pod, const CreateRefusal& refusal) {
    const std::string text = Shown(refusal.why.message);
    s.status.reason = RefusalReason(refusal.why.kind);
    s.status.message = text;
    s.wake = refusal.next_try > now_ ? refusal.next_try : now_ + kRefusedAgain;
    if (!IsApiServersTrouble(refusal.why.kind)) {
      const Milliseconds limit = PendingLimit(*s.step);
      const TimePoint end = refusal.since + limit;
      if (now_ >= end) {
        Finish(s, StepPhase::kFailed, s.status.reason,
               "its pod could not be created within " + FormatDuration(limit) + ": " + text +
                   "; it is not tried again",
               now_);
        return false;
      }
      s.wake = std::min(end, *s.wake);
    }
    if (refusal.next_try <= now_) return true;
    plan_.held_pods.push_back(pod);
    ++occupied_;
    // What is wrong with this pod holds up no other. What passes by itself (a quota, a webhook)
    // would meet the others too: they stay queued, and their timeouts.pending do not begin.
    if (PassesByItself(refusal.why.kind)) ++creates_;
    return false;
  }

  const RunObserved& o_;
  const PodSettings& settings_;
  TimePoint now_;
  RunPlan plan_;
  std::vector<StepState> steps_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, api::StepStatus> cut_;
  int occupied_ = 0;
  int made_ = 0;     // by this plan
  int creates_ = 0;  // those, and what is held up as they would be
  int looked_ahead_ = 0;
};

}  // namespace

RunPlan PlanRun(const RunObserved& observed, const PodSettings& settings, TimePoint now) {
  return RunPlanner(observed, settings, now).Plan();
}

}  // namespace penstock::plan
