#include "operator/plan/run/loop_children.h"

#include <algorithm>
#include <utility>

#include "operator/plan/step/child_plan.h"
#include "operator/plan/step/stop.h"

namespace penstock::plan {
namespace {

using api::CancelMode;
using api::StepPhase;

class ChildLoopObserver {
 public:
  ChildLoopObserver(const RunObserved& o, const ResolvedStep& step, TimePoint now, RunPlan& plan,
                    LoopState& loop)
      : o_(o), step_(step), now_(now), plan_(plan), loop_(loop), stop_(StopOf(o, step, now)) {}

  StepState Observe(const api::StepStatus* prior, const std::vector<const ChildFact*>& children) {
    StepState s;
    s.step = &step_;
    s.prior = prior;
    if (prior != nullptr) s.status = *prior;
    s.status.name = step_.name;
    if (prior != nullptr && api::IsFinal(prior->phase)) {
      s.kind = StepState::Kind::kFinal;
      s.ended = prior->finish_time;
      Cancel(children);
      return s;
    }
    s.status.finish_time.reset();
    if (prior != nullptr && prior->items) loop_.Read(*prior->items);
    std::map<int, std::vector<const ChildFact*>> of_items;
    for (const ChildFact* c : children)
      if (c->item && IsItem(*c->item)) of_items[*c->item].push_back(c);
    for (const auto& [index, runs] : of_items) ObserveItem(index, runs);
    return s;
  }

 private:
  [[nodiscard]] bool IsItem(int index) const {
    const std::size_t total =
        step_.loop->items != nullptr ? step_.loop->items->size() : api::kMaxItems;
    return index >= 0 && static_cast<std::size_t>(index) < total;
  }

  void Cancel(const std::vector<const ChildFact*>& runs) {
    for (const ChildFact* c : runs) CancelUnended(*c, CancelMode::kNow, plan_);
  }

  void ObserveItem(int index, const std::vector<const ChildFact*>& runs) {
    const auto i = static_cast<std::size_t>(index);
    if (i >= loop_.ends.size()) loop_.ends.resize(i + 1);
    if (loop_.ends[i] != LoopState::End::kNone) return Cancel(runs);
    StepState item = PlanChildren(step_, nullptr, runs, o_, now_, plan_);
    item.item = LoopItem{index, nullptr};
    if (item.occupies) ++loop_.occupied;
    const bool troubled = std::any_of(runs.begin(), runs.end(), [&](const ChildFact* c) {
      return c->name == item.status.run && !c->trouble.empty();
    });
    if (troubled && item.status.phase == StepPhase::kRunning && loop_.trouble.empty())
      loop_.trouble = "item " + std::to_string(index) + ": " + item.status.message;
    if (item.kind != StepState::Kind::kFinal) {
      loop_.active.emplace(index, std::move(item));
      return;
    }
    if (item.status.phase == StepPhase::kCancelled && !stop_)
      Finish(item, StepPhase::kFailed, item.status.reason, std::string(item.status.message),
             item.status.finish_time.value_or(now_));
    EndItem(o_, index, item, plan_, loop_);
  }

  const RunObserved& o_;
  const ResolvedStep& step_;
  TimePoint now_;
  RunPlan& plan_;
  LoopState& loop_;
  const Stop stop_;
};

}  // namespace

StepState ObserveLoopOfRuns(const RunObserved& observed, const ResolvedStep& step,
                            const api::StepStatus* prior,
                            const std::vector<const ChildFact*>& children, TimePoint now,
                            RunPlan& plan, LoopState& loop) {
  return ChildLoopObserver(observed, step, now, plan, loop).Observe(prior, children);
}

}  // namespace penstock::plan
