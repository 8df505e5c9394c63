#include "operator/plan/run/run_plan.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/locks/run_locks.h"
#include "operator/plan/resolve/when_check.h"
#include "operator/plan/run/leftovers.h"
#include "operator/plan/run/loop_plan.h"
#include "operator/plan/run/refused_create.h"
#include "operator/plan/run/run_room.h"
#include "operator/plan/run/run_so_far.h"
#include "operator/plan/run/run_steps.h"
#include "operator/plan/run/run_volumes.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/run/status_plan.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/child_plan.h"
#include "operator/plan/step/daemon_plan.h"
#include "operator/plan/step/gate_plan.h"
#include "operator/plan/step/last_good.h"
#include "operator/plan/step/put_artifacts.h"
#include "operator/plan/step/step_cache.h"
#include "operator/plan/step/step_plan.h"
#include "operator/plan/step/stop.h"
#include "operator/plan/values/dependency.h"
#include "operator/plan/values/step_inputs.h"
#include "operator/plan/values/when.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

constexpr Milliseconds kLookAboveAgain{30'000};
constexpr Milliseconds kRoomAgain{15'000};
// Steps without a place that are still looked up in the cache, which needs none.
constexpr int kLookAhead = 100;

class RunPlanner {
 public:
  RunPlanner(const RunObserved& o, const PodSettings& settings, TimePoint now)
      : o_(o),
        settings_(settings),
        now_(now),
        locks_(o.run, o.locks, OwnLocks(o), now),
        steps_(o),
        room_(o, settings, steps_) {}

  RunPlan Plan() {
    if (!o_.WaitsForReceipts()) Decide();
    PlanStatus(o_, steps_.all(), HasLeftovers(), now_, plan_);
    PutLocks(o_, locks_, steps_, o_.IsSuspended() && !Cancelled(), plan_);
    PutLabels(o_, plan_);
    for (const StepState& s : steps_.all())
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
    steps_.TakeUp(now_, plan_);
    ShowDaemons(steps_.all(), o_, now_, plan_);
    if (o_.resolved->TakesLocks())
      room_.Hold(locks_.Begin([this](const api::RunLock& lock) { return steps_.Needs(lock); }));
    for (StepState& s : steps_.all()) {
      if (s.kind == StepState::Kind::kIdle) Advance(s);
      PlanLastGood(s, o_, now_, plan_);
    }
    if (EndDaemons(steps_.all(), o_, now_, plan_)) Wake(now_);
    // The run above wakes this one; where that goes unseen, it does by itself.
    if (!o_.family.suspended_by.empty()) Wake(now_ + kLookAboveAgain);
    const auto deadline = DeadlineOf(o_);
    if (deadline && now_ < *deadline && !steps_.HaveEnded()) Wake(*deadline);
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
    for (const ChildFact& c : o_.children) CancelUnended(c, o_.run.spec.cancel, plan_);
  }

  [[nodiscard]] bool HasLeftovers() {
    const Leftovers left = LeftoversOf(o_, steps_, now_);
    if (left.look_again) Wake(*left.look_again);
    return left.any;
  }

  // --- what comes next for a step without a live pod

  void Advance(StepState& s) {
    if (s.step->loop && !s.item) {
      if (!steps_.waits_for_former() || StopOf(o_, *s.step, now_)) return AdvanceItems(s);
      return WaitForFormer(s);
    }
    if (const Stop stop = StopOf(o_, *s.step, now_))
      return Finish(s, StepPhase::kCancelled, stop.reason, stop.message, now_);
    if (steps_.waits_for_former()) return WaitForFormer(s);
    if (s.step->final_step && StopOf(o_, now_) && !locks_.HasOfRun())
      return Finish(s, StepPhase::kSkipped, kNeverBegan,
                    "the run was stopped before it had its locks: nothing of it has begun", now_);
    if (!s.item && !DependenciesMet(s)) return;
    const StatusOf status_of = StatusOfSteps();
    Json each;
    if (s.item) each = {{"value", *s.item->value}, {"index", s.item->index}};
    const ValueSource source{o_.run, status_of, s.item ? &each : nullptr, SoFar(s)};
    if ((!s.item || IsOfItems(s.step->when)) && !ConditionHolds(s, source)) return;
    if (s.step->HasNoPod() && HasBegun(s)) return AdvanceGate(s, o_, source, now_);
    const Ingredients in = Gather(*s.step, source);
    if (!in.fail_reason.empty()) {
      Finish(s, StepPhase::kFailed, in.fail_reason, in.message + "; it is not tried again", now_);
      return;
    }
    if (!in.skip_reason.empty())
      return Finish(s, StepPhase::kSkipped, in.skip_reason, in.message, now_);
    if (o_.IsSuspended() && !Cancelled()) return Wait(s, Hold::kSuspended, WhySuspended(o_));
    if (!locks_.OfRun().held) return WaitForLocks(s, locks_.OfRun());
    if (s.step->HasNoPod()) return AdvanceGate(s, o_, source, now_);
    if (s.not_before && now_ < *s.not_before) {
      s.wake = *s.not_before;
      return;
    }
    if (!room_.HasPlace(s) && ++looked_ahead_ > kLookAhead) return WaitForPlace(s);
    AttemptSpec spec{
        in.step ? &*in.step : s.step, s.status.attempts + 1, s.spent, "", in.parameters, in.inputs};
    spec.item = s.item;
    if (s.step->nested) return StartChild(s, spec);
    if (!FindPutArtifacts(s, spec, in.put_by_hand, o_, now_, plan_.requests)) return;
    spec.code = in.code;
    spec.packages = in.packages;
    spec.values = in.values;
    spec.anew = steps_.IsAnew(s.step->name);
    if (!MustStart(s, spec, o_, now_, plan_.requests)) return;
    if (o_.run.spec.rerun && IsReopened(s))
      return Finish(s, StepPhase::kFailed, kNoEntry,
                    "what it gave is wanted and has no place in the status: whether run " +
                        o_.run.spec.rerun->of +
                        " gave it is not known any more, so it is not done once more; start a "
                        "new run",
                    now_);
    Start(s, spec);
  }

  // It has succeeded, and had no entry in the status.
  [[nodiscard]] bool IsReopened(const StepState& s) const {
    if (!s.item) return s.reopened;
    const StepState* loop = steps_.Find(s.step->name);
    return loop != nullptr && loop->reopened;
  }

  void WaitForFormer(StepState& s) {
    Wait(s, Hold::kCacheLookup, "what run " + o_.run.spec.rerun->of + " made is looked for");
    for (const std::string& digest : plan_.requests.artifacts)
      if (ShowStoreTrouble(s, "what the former run made is looked for", o_, digest)) return;
  }

  [[nodiscard]] StatusOf StatusOfSteps() const {
    return [this](const std::string& name) {
      const StepState* step = steps_.Find(name);
      return step == nullptr ? nullptr : &step->status;
    };
  }

  // A looped step. Its items go the way of any step, one after the other.
  void AdvanceItems(StepState& s) {
    LoopState& loop = steps_.LoopOf(s.step->name);
    LoopHost host{o_, now_, plan_};
    const bool begun = s.prior != nullptr && s.prior->items;
    if (begun)
      LookAtDependencies(*s.step, host);
    else if (!StopOf(o_, *s.step, now_))
      host.may_start = host.may_list = DependenciesMet(s);
    if (s.kind == StepState::Kind::kFinal) return;
    const StatusOf status_of = StatusOfSteps();
    const ValueSource source{o_.run, status_of, nullptr, SoFar(s)};
    if (host.may_start && !begun && !IsOfItems(s.step->when) && !ConditionHolds(s, source)) return;
    host.lookup = [&](const Reference& r) {
      auto found = LookUp(r, source);
      if (!found) host.result_absent = IsAbsentResult(r, source);
      return found;
    };
    host.advance = [this, &loop](StepState& item) {
      const int before = steps_.occupied;
      Advance(item);
      loop.occupied += steps_.occupied - before;
      return steps_.occupied > before;
    };
    AdvanceLoop(s, loop, host);
  }

  // Of a loop that has begun: what it depends on may be made anew, or serve no more.
  void LookAtDependencies(const ResolvedStep& step, LoopHost& host) const {
    for (const api::Dependency& d : step.depends_on) {
      const StepState& on = steps_.At(d.step);
      if (Serves(on)) continue;
      const bool ended = on.kind == StepState::Kind::kFinal;
      host.may_start = host.may_start && ended;
      host.may_list = host.may_list && (ended || on.step->daemon);
      if (ended && !host.lost && !IsMet(d.outcome, on.status)) host.lost = WhySkipped(on.status);
    }
  }

  // Asked by finally steps, which stand behind all others: what has ended has been found to have.
  [[nodiscard]] bool StepsHaveEnded() {
    if (!steps_ended_) steps_ended_ = steps_.HaveEnded();
    return *steps_ended_;
  }

  // How the run stands, for a finally step and its items; null: not yet, or not for this step.
  [[nodiscard]] const Json* SoFar(const StepState& s) {
    if (!s.step->final_step || !StepsHaveEnded()) return nullptr;
    if (!so_far_) so_far_ = RunValues(o_, steps_.all(), now_);
    return &*so_far_;
  }

  static bool IsOfItems(const std::string& when) { return !when.empty() && NamesEach(when); }
  bool ConditionHolds(StepState& s, const ValueSource& source) {
    if (s.step->when.empty() || s.status.attempts > 0 || s.reopened) return true;
    const auto why = LookAtWhen(*s.step, *o_.resolved, source);
    if (why) Finish(s, why->phase, why->reason, why->message, now_);
    return !why;
  }

  bool DependenciesMet(StepState& s) {
    if (s.step->final_step && !StepsHaveEnded()) {
      Wait(s, Hold::kDependencies);
      return false;
    }
    std::string waits_for;
    for (const api::Dependency& d : s.step->depends_on) {
      const StepState& on = steps_.At(d.step);
      if (Serves(on)) continue;
      if (on.kind != StepState::Kind::kFinal) {
        if (waits_for.empty()) waits_for = d.step;
        continue;
      }
      if (IsMet(d.outcome, on.status)) continue;
      const SkipReason why = WhySkipped(on.status);
      Finish(s, StepPhase::kSkipped, why.reason, why.message, now_);
      return false;
    }
    if (!waits_for.empty()) Wait(s, Hold::kDependencies);
    return waits_for.empty();
  }

  static std::optional<int> ItemOf(const StepState& s) {
    return s.item ? std::optional(s.item->index) : std::nullopt;
  }

  // Whether the step or item has its locks. One without a place does not ask: others could use
  // them.
  bool HasLocks(StepState& s) {
    if (s.step->locks.empty() || !room_.HasPlace(s)) return true;
    const RunLocks::Answer answer = locks_.OfStep(s.step->name, ItemOf(s), s.step->locks);
    if (!answer.held) WaitForLocks(s, answer);
    return answer.held;
  }

  void WaitForLocks(StepState& s, const RunLocks::Answer& why) {
    if (why.reason == kLockOrder)
      return Finish(s, StepPhase::kFailed, why.reason, why.message + "; it is not tried again",
                    now_);
    // Who holds them may make the same meanwhile: the cache is looked up again.
    if (!s.status.cache_key.empty()) plan_.requests.settled_keys.push_back(s.status.cache_key);
    Wait(s, Hold::kLocked, why.message);
    if (why.reason != kLockInvalid || s.status.retry_at) return;
    s.status.phase = StepPhase::kPending;
    s.status.reason = why.reason;
  }

  void WaitForPlace(StepState& s) {
    if (!room_.IsFull(s) && !room_.HasRoom(s)) {
      plan_.waits_for_room = true;
      Wake(now_ + kRoomAgain);  // whose pod ends wakes one of those that wait
      return Wait(s, Hold::kPodLimit,
                  "the namespace has as many pods as the platform lets its runs have at a time; it "
                  "starts when one of them has ended");
    }
    // Where nothing is made now, the next plan would be this one: what holds the places wakes it.
    if (!room_.IsFull(s) && room_.AnyMade()) plan_.requeue_after = Milliseconds(0);
    Wait(s, room_.IsFull(s) ? Hold::kParallelism : Hold::kQueued);
  }

  // True where it is to be made now; `name` is its pod's or its run's.
  bool MayStart(StepState& s, const std::string& name) {
    if (!room_.HasPlace(s)) {
      WaitForPlace(s);
      return false;
    }
    room_.Leave(s);  // for one that is counted
    if (!s.status.retry_at) {
      s.status.phase = StepPhase::kPending;
      s.status.reason = kStarting;
      s.status.message.clear();
    }
    const auto refusal = o_.create_errors.find(name);
    if (refusal == o_.create_errors.end()) return true;
    const Again again = JudgeRefusal(s, refusal->second, now_);
    if (again != Again::kLater) return again == Again::kNow;
    plan_.held_pods.push_back(name);
    room_.KeepFor(s, refusal->second.why);
    return false;
  }

  void StartChild(StepState& s, const AttemptSpec& spec) {
    if (const NestingRefusal why = WhyNoChild(o_, *s.step); !why.reason.empty())
      return Finish(s, StepPhase::kFailed, why.reason, why.message, now_);
    const std::string name = ChildName(o_.run, spec);
    if (!HasLocks(s) || !MayStart(s, name)) return;
    plan_.actions.emplace_back(CreateChild{name, BuildChild(o_.run, o_.family, spec)});
    room_.CountMade(s, false);
  }

  void Start(StepState& s, AttemptSpec& spec) {
    const auto item = ItemOf(s);
    spec.locks = locks_.Around(s.step->name, item, s.step->locks);
    if (!HasLocks(s) ||
        !MayStart(s, PodName(o_.run.meta.name, o_.run.meta.uid, s.step->name, spec.attempt, item)))
      return;
    auto built = BuildAttempt(o_.run, spec, settings_);
    if (!built) {
      Finish(s, StepPhase::kFailed, "InvalidSpec", built.error().message, now_);
      return;
    }
    if (!built->config_map_name.empty()) {
      plan_.actions.emplace_back(
          CreateConfigMap{built->config_map_name, std::move(built->config_map), built->pod_name});
    }
    for (CreateClaim& claim : ClaimsFor(o_, steps_.all(), s, built->pod_name))
      plan_.actions.emplace_back(std::move(claim));
    plan_.actions.emplace_back(CreatePod{built->pod_name, std::move(built->pod)});
    room_.CountMade(s, true);
  }

  const RunObserved& o_;
  const PodSettings& settings_;
  TimePoint now_;
  RunLocks locks_;
  RunPlan plan_;
  RunSteps steps_;
  RunRoom room_;
  std::optional<bool> steps_ended_;  // once it is asked
  std::optional<Json> so_far_;       // the same
  int looked_ahead_ = 0;
};

}  // namespace

RunPlan PlanRun(const RunObserved& observed, const PodSettings& settings, TimePoint now) {
  if (observed.family.is_orphan && observed.run.spec.cancel != api::CancelMode::kNow) {
    // Whoever it was made for is gone, and what is held around it is not known any more.
    RunObserved orphan = observed;
    orphan.run.spec.cancel = api::CancelMode::kNow;
    return RunPlanner(orphan, settings, now).Plan();
  }
  return RunPlanner(observed, settings, now).Plan();
}

}  // namespace penstock::plan
