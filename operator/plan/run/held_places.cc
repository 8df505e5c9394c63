#include "operator/plan/run/held_places.h"

#include <algorithm>

namespace penstock::plan {
namespace {

std::optional<int> ItemOf(const StepState& s) {
  return s.item ? std::optional(s.item->index) : std::nullopt;
}

// Whether something of it is counted already.
bool IsCounted(const api::RunLock& lock, const StepState& step, const RunSteps& steps) {
  if (!lock.item || !step.step->loop) return step.occupies;
  const auto& active = steps.LoopOf(lock.step).active;
  const auto item = active.find(*lock.item);
  return item != active.end() && item->second.occupies;
}

}  // namespace

void HeldPlaces::Take(const std::vector<api::RunLock>& locks, const RunSteps& steps) {
  for (const api::RunLock& lock : locks) {
    const StepState* step = lock.held && !lock.step.empty() ? steps.Find(lock.step) : nullptr;
    if (step == nullptr || step->kind == StepState::Kind::kFinal || step->step->daemon) continue;
    if (IsCounted(lock, *step, steps)) continue;
    places_[lock.step].push_back(lock.item);
    ++all_;
  }
}

bool HeldPlaces::Has(const StepState& s) const {
  const auto items = places_.find(s.step->name);
  return items != places_.end() &&
         std::find(items->second.begin(), items->second.end(), ItemOf(s)) != items->second.end();
}

int HeldPlaces::OfStep(const std::string& step) const {
  const auto items = places_.find(step);
  return items == places_.end() ? 0 : static_cast<int>(items->second.size());
}

void HeldPlaces::Leave(const StepState& s) {
  const auto items = places_.find(s.step->name);
  if (items == places_.end()) return;
  all_ -= static_cast<int>(std::erase(items->second, ItemOf(s)));
}

}  // namespace penstock::plan
