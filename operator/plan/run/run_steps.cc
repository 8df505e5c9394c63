#include "operator/plan/run/run_steps.h"

#include <algorithm>
#include <utility>

#include "operator/plan/run/loop_children.h"
#include "operator/plan/run/rerun.h"
#include "operator/plan/step/child_plan.h"
#include "operator/plan/step/daemon_plan.h"
#include "operator/plan/step/gate_plan.h"
#include "operator/plan/step/step_cache.h"
#include "operator/plan/step/step_facts.h"
#include "operator/plan/step/step_plan.h"
#include "operator/plan/step/stop.h"
#include "operator/plan/values/indexes.h"
#include "operator/plan/values/step_inputs.h"

namespace penstock::plan {

using api::StepPhase;

const StepState* RunSteps::Find(const std::string& name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &steps_[it->second];
}

bool RunSteps::IsFinal(const std::string& name) const {
  const StepState* step = Find(name);
  return step != nullptr && step->kind == StepState::Kind::kFinal;
}

bool RunSteps::HaveEnded() const {
  return std::all_of(steps_.begin(), steps_.end(), [](const StepState& s) {
    return s.step->final_step || s.kind == StepState::Kind::kFinal;
  });
}

bool RunSteps::Needs(const api::RunLock& lock) const {
  const StepState* step = Find(lock.step);
  if (step == nullptr) return false;
  const auto of_lock = [&](const auto& fact) {
    return fact.step == lock.step && fact.item == lock.item;
  };
  const auto pod_goes_on = [&](const PodFact& pod) {
    return of_lock(pod) && !HasEnded(pod) && !pod.exit_code;
  };
  const auto run_goes_on = [&](const ChildFact& child) {
    return of_lock(child) && child.outcome == RunOutcome::kActive;
  };
  if (lock.held && (std::any_of(o_.pods.begin(), o_.pods.end(), pod_goes_on) ||
                    std::any_of(o_.children.begin(), o_.children.end(), run_goes_on)))
    return true;
  if (step->kind == StepState::Kind::kFinal || WaitsForOthers(*step)) return false;
  if (!lock.item || !step->step->loop) return true;
  const LoopState& loop = LoopOf(lock.step);
  const auto item = static_cast<std::size_t>(*lock.item);
  return item >= loop.ends.size() || loop.ends[item] == LoopState::End::kNone;
}

// Something that it depends on goes on, also after an attempt of it: what it read was damaged and
// is made anew, maybe under the same lock.
bool RunSteps::WaitsForOthers(const StepState& s) const {
  if (s.step->final_step && !HaveEnded()) return true;
  return std::any_of(s.step->depends_on.begin(), s.step->depends_on.end(), [&](const auto& d) {
    const StepState& on = At(d.step);
    return on.kind != StepState::Kind::kFinal && !Serves(on);
  });
}

void RunSteps::TakeUp(TimePoint now, RunPlan& plan) {
  const auto& resolved = o_.resolved->steps;
  std::map<std::string, std::vector<const PodFact*>> pods;
  for (const PodFact& p : o_.pods) pods[p.step].push_back(&p);
  std::map<std::string, std::vector<const ChildFact*>> children;
  for (const ChildFact& c : o_.children) children[c.step].push_back(&c);
  std::map<std::string, const api::StepStatus*> prior;
  for (const auto& s : o_.run.status.steps) prior[s.name] = &s;
  RestoreCut(prior);
  TakeFormer(prior, now, plan);
  std::vector<std::pair<std::size_t, StepFacts>> daemons;
  steps_.reserve(resolved.size());
  for (const ResolvedStep& step : resolved) {
    const auto before = prior.find(step.name);
    const api::StepStatus* status = before == prior.end() ? nullptr : before->second;
    index_[step.name] = steps_.size();
    if (step.HasNoPod()) {
      steps_.push_back(ObserveGate(step, status));
      continue;
    }
    if (step.loop) {
      LoopState& loop = loops_[step.name];
      steps_.push_back(
          step.nested ? ObserveLoopOfRuns(o_, step, status, children[step.name], now, plan, loop)
                      : ObserveLoop(o_, step, status, pods[step.name], now, plan, loop));
      occupied += loop.occupied;
      continue;
    }
    if (step.nested) {
      steps_.push_back(PlanChildren(step, status, children[step.name], o_, now, plan));
      if (steps_.back().occupies) ++occupied;
      continue;
    }
    StepFacts facts = ObserveStep(o_, step, status, pods[step.name], now);
    if (step.daemon) {  // whether its end is a failure depends on how its users stand
      StepState& later = steps_.emplace_back();
      later.step = &step;
      later.kind = StepState::Kind::kLive;
      daemons.emplace_back(steps_.size() - 1, std::move(facts));
      continue;
    }
    steps_.push_back(PlanStep(facts, o_, now, plan));
    if (steps_.back().occupies) ++occupied;
  }
  // One that another one uses stands before it.
  for (auto d = daemons.rbegin(); d != daemons.rend(); ++d) {
    StepState& daemon = steps_[d->first];
    StepFacts& facts = d->second;
    facts.over = !IsNeeded(steps_, daemon);
    // Those that use it have ended, and the store is asked how: it is judged when that is known.
    if (!facts.over && facts.pod != nullptr && HasEnded(*facts.pod) &&
        !IsNeeded(steps_, daemon, false) && !StopOf(o_, *facts.step, now))
      facts.kind = StepFacts::Kind::kLive;
    daemon = PlanStep(facts, o_, now, plan);
  }
  // Also where its pod was there before a status that says it.
  for (StepState& s : steps_)
    if (IsAnew(s.step->name) && s.status.cache_miss == "NotFound") s.status.cache_miss = kRerun;
  ReopenCut(now);
  RepairDamaged(plan);
}

// Steps whose entries did not fit into the status.
void RunSteps::RestoreCut(std::map<std::string, const api::StepStatus*>& prior) {
  const auto& resolved = o_.resolved->steps;
  const auto restore = [&](const std::string& indexes, StepPhase phase) {
    for (const std::size_t i : ParseIndexes(indexes, resolved.size())) {
      if (prior.contains(resolved[i].name)) continue;
      api::StepStatus& s = cut_[resolved[i].name];
      s.name = resolved[i].name;
      s.phase = phase;
      s.reason = kNoEntry;
      prior[s.name] = &s;
    }
  };
  restore(o_.run.status.succeeded_indexes, StepPhase::kSucceeded);
  restore(o_.run.status.skipped_indexes, StepPhase::kSkipped);
}

// As if they had ended here. What starts meanwhile would hide from a later controller that nothing
// is decided yet.
void RunSteps::TakeFormer(std::map<std::string, const api::StepStatus*>& prior, TimePoint now,
                          RunPlan& plan) {
  if (!o_.run.spec.rerun) return;
  anew_ = StepsAnew(*o_.resolved, o_.run.spec.rerun->from);
  if (o_.former == nullptr || AnyBegun(o_.run)) return;
  TakenSteps taken = TakeFromFormer(o_, now, plan.requests);
  waits_for_former_ = !taken.known || !taken.steps.empty();
  taken_ = std::move(taken.steps);
  for (const auto& [name, status] : taken_) prior[name] = &status;
  if (taken_.empty()) return;
  plan.urgent_status = true;
  plan.requeue_after = Milliseconds(0);
}

// A step without an entry of which something is wanted: its receipts, the cache, where it came from
// or where it was recorded, are asked again. Readers stand behind what they read.
void RunSteps::ReopenCut(TimePoint now) {
  const auto is_cut = [](const StepState& s) {
    return s.kind == StepState::Kind::kFinal && HasNoEntry(s.status);
  };
  if (std::none_of(steps_.begin(), steps_.end(), is_cut)) return;
  for (auto reader = steps_.rbegin(); reader != steps_.rend(); ++reader) {
    if (reader->kind == StepState::Kind::kFinal) continue;
    for (const std::string& name : StepsRead(*reader->step)) {
      StepState& from = At(name);
      // People are not asked again: who reads what they said fails.
      if (!is_cut(from) || from.step->HasNoPod() || StopOf(o_, *from.step, now)) continue;
      from.kind = StepState::Kind::kIdle;
      from.reopened = true;
    }
  }
}

// An input that does not match its digest: its producer runs again, the consumer waits for it.
void RunSteps::RepairDamaged(RunPlan& plan) {
  for (StepState& consumer : steps_) {
    if (consumer.damaged.empty()) continue;
    for (const OutputRef& taken : consumer.step->Takes()) {
      StepState& producer = At(taken.step);
      const bool made = std::any_of(producer.status.outputs.begin(), producer.status.outputs.end(),
                                    [&](const auto& o) { return o.digest == consumer.damaged; });
      const bool before = !producer.status.finish_time || !consumer.ended ||
                          *producer.status.finish_time <= *consumer.ended;
      if (producer.status.phase != StepPhase::kSucceeded || !made || !before) continue;
      // Nothing says which item's; and the steps within a Pipeline would find the same in the
      // cache.
      if (producer.step->loop || producer.step->nested) continue;
      if (!producer.status.cache_key.empty())
        plan.actions.emplace_back(DropCache{producer.status.cache_key});
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

}  // namespace penstock::plan
