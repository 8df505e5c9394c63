#include "operator/plan/run/loop_state.h"

#include <algorithm>
#include <set>

#include "operator/base/shown_text.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/run/status_entries.h"
#include "operator/plan/step/step_facts.h"
#include "operator/plan/step/step_plan.h"
#include "operator/plan/values/indexes.h"

namespace penstock::plan {
namespace {

using api::StepPhase;
using End = LoopState::End;

End EndOf(StepPhase phase) {
  switch (phase) {
    case StepPhase::kSucceeded:
      return End::kSucceeded;
    case StepPhase::kFailed:
      return End::kFailed;
    case StepPhase::kSkipped:
      return End::kSkipped;
    default:
      return End::kCancelled;
  }
}

StepPhase PhaseOf(End end) {
  return end == End::kSucceeded ? StepPhase::kSucceeded
         : end == End::kFailed  ? StepPhase::kFailed
                                : StepPhase::kSkipped;
}

bool GoesOn(const PodFact& pod) { return !HasEnded(pod) || pod.outlived; }

class LoopObserver {
 public:
  LoopObserver(const RunObserved& o, const ResolvedStep& step, TimePoint now, RunPlan& plan,
               LoopState& loop)
      : o_(o), step_(step), now_(now), plan_(plan), loop_(loop) {}

  StepState Observe(const api::StepStatus* prior, const std::vector<const PodFact*>& pods) {
    s_.step = &step_;
    s_.prior = prior;
    if (prior != nullptr) s_.status = *prior;
    s_.status.name = step_.name;
    if (prior != nullptr && api::IsFinal(prior->phase)) {
      s_.kind = StepState::Kind::kFinal;
      s_.ended = prior->finish_time;
      for (const PodFact* p : pods)
        if (GoesOn(*p) && !p->deleting) Delete(*p);
      return std::move(s_);
    }
    s_.status.finish_time.reset();
    if (prior != nullptr && prior->items) loop_.Read(*prior->items);
    for (const PodFact* p : pods)
      if (p->item) pods_[*p->item].push_back(p);
    std::set<int> seen;
    for (const auto& [item, of_item] : pods_) seen.insert(item);
    const auto made = o_.item_attempts.find(step_.name);
    if (made != o_.item_attempts.end())
      for (const auto& [item, attempt] : made->second) seen.insert(item);
    for (const int item : seen) ObserveItem(item);
    return std::move(s_);
  }

 private:
  void Delete(const PodFact& pod) {
    if (auto refused = PlanDelete(o_, pod, pod.outlived ? 30 : 0, now_, plan_))
      s_.delete_refused = std::move(refused);
  }

  void ObserveItem(int index) {
    if (index >= int(api::kMaxItems)) return;  // of no item of ours
    const auto i = static_cast<std::size_t>(index);
    if (i >= loop_.ends.size()) loop_.ends.resize(i + 1);
    const auto& pods = pods_[index];
    const bool ended = loop_.ends[i] != End::kNone;
    if (ended && std::none_of(pods.begin(), pods.end(), [](const auto* p) { return GoesOn(*p); }))
      return;
    const StepFacts facts = ObserveStep(o_, step_, PriorOf(index, pods), pods, now_);
    StepState item = PlanStep(facts, o_, now_, plan_);
    if (item.delete_refused && !s_.delete_refused) s_.delete_refused = item.delete_refused;
    if (ended) return;
    item.item = LoopItem{index, nullptr};
    // Nothing remembers when a pod was found to be gone: the next attempt does not wait.
    if (item.kind == StepState::Kind::kIdle && facts.pod == nullptr) item.not_before = now_;
    if (!item.damaged.empty()) {
      s_.damaged = item.damaged;
      s_.ended = item.ended;
    }
    if (item.occupies) ++loop_.occupied;
    if (item.kind == StepState::Kind::kFinal)
      EndItem(o_, index, item, plan_, loop_);
    else
      loop_.active.emplace(index, std::move(item));
  }

  // What a status would say of the item, where its newest attempt has no pod that is seen or the
  // item has ended.
  const api::StepStatus* PriorOf(int index, const std::vector<const PodFact*>& pods) {
    int newest = 0;
    for (const PodFact* p : pods) newest = std::max(newest, p->attempt);
    const End end = loop_.ends[static_cast<std::size_t>(index)];
    const auto of_step = o_.item_attempts.find(step_.name);
    const ItemAttempt* made = nullptr;
    if (of_step != o_.item_attempts.end())
      if (const auto it = of_step->second.find(index); it != of_step->second.end())
        made = &it->second;
    const bool unseen = made != nullptr && made->attempt > newest;
    if (end == End::kNone && !unseen) return nullptr;
    api::StepStatus& prior = loop_.priors[index];
    prior.name = step_.name;
    prior.phase = end == End::kNone ? StepPhase::kPending : PhaseOf(end);
    prior.attempts = newest;
    if (!unseen) return &prior;
    prior.attempts = made->attempt;
    prior.pod = made->pod;
    prior.cache_key = made->cache_key;
    prior.retries = {made->spent.user, made->spent.out_of_memory, made->spent.infrastructure,
                     made->spent.timeout};
    return &prior;
  }

  const RunObserved& o_;
  const ResolvedStep& step_;
  TimePoint now_;
  RunPlan& plan_;
  LoopState& loop_;
  StepState s_;
  std::map<int, std::vector<const PodFact*>> pods_;
};

// What an item gave, as the launcher of its attempt would have told it.
Receipt ReceiptOf(const RunObserved& o, int index, const StepState& item) {
  Receipt r;
  r.run = o.run.meta.name;
  r.run_uid = o.run.meta.uid;
  r.step = item.status.name;
  r.item_index = index;
  r.attempt = item.status.cached ? item.status.attempts + 1 : item.status.attempts;
  r.pod = PodName(r.run, r.run_uid, r.step, r.attempt, index);
  for (const api::StepOutput& out : item.status.outputs)
    r.outputs.push_back({out.name, out.type, {out.digest, out.folder, out.bytes}});
  for (const auto& [name, value] : item.status.results) r.results[name] = value;
  return r;
}

bool IsMissed(const RunObserved& o, const std::string& step, std::size_t index) {
  const auto answer = o.gathered.find(step);
  if (answer == o.gathered.end()) return false;
  const auto& missing = answer->second->missing;
  return std::binary_search(missing.begin(), missing.end(), index);
}

}  // namespace

void LoopState::Read(const api::ItemsStatus& items) {
  ends.resize(static_cast<std::size_t>(std::clamp(items.total, 0, int(api::kMaxItems))));
  cached = items.cached;
  first_failures = items.first_failures;
  const auto mark = [this](const std::string& ranges, End end) {
    for (const std::size_t i : ParseIndexes(ranges, ends.size())) ends[i] = end;
  };
  mark(items.succeeded_indexes, End::kSucceeded);
  mark(items.failed_indexes, End::kFailed);
  mark(items.skipped_indexes, End::kSkipped);
}

std::size_t LoopState::Count(End end) const {
  return static_cast<std::size_t>(std::count(ends.begin(), ends.end(), end));
}

std::string LoopState::Indexes(End end) const {
  std::vector<std::size_t> indexes;
  for (std::size_t i = 0; i < ends.size(); ++i)
    if (ends[i] == end) indexes.push_back(i);
  return FormatIndexes(indexes);
}

StepState ObserveLoop(const RunObserved& observed, const ResolvedStep& step,
                      const api::StepStatus* prior, const std::vector<const PodFact*>& pods,
                      TimePoint now, RunPlan& plan, LoopState& loop) {
  return LoopObserver(observed, step, now, plan, loop).Observe(prior, pods);
}

void EndItem(const RunObserved& o, int index, const StepState& item, RunPlan& plan,
             LoopState& loop) {
  const auto i = static_cast<std::size_t>(index);
  loop.ends[i] = EndOf(item.status.phase);
  if (!item.status.cache_key.empty()) plan.requests.settled_keys.push_back(item.status.cache_key);
  if (!item.status.pod.empty()) plan.requests.settled_pods.push_back(item.status.pod);
  if (loop.ends[i] == End::kFailed && loop.first_failures.size() < kMaxFirstFailures)
    loop.first_failures.push_back(Shown(
        "item " + std::to_string(index) + " (" + item.status.reason + "): " + item.status.message,
        900));
  if (loop.ends[i] != End::kSucceeded) return;
  if (item.status.cached) ++loop.cached;
  // Of a run within this one no launcher tells the store.
  if (item.status.cached || item.step->nested || IsMissed(o, item.status.name, i))
    plan.actions.emplace_back(KeepReceipt{ReceiptOf(o, index, item)});
}

}  // namespace penstock::plan
