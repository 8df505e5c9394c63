#include "operator/views/run/step_makers.h"

#include <algorithm>

#include "operator/plan/step/step_state.h"

namespace penstock::views {
namespace {

bool MadeTheSame(const api::StepStatus& made, const api::StepStatus& taken) {
  if (made.cached || made.phase != api::StepPhase::kSucceeded) return false;
  const bool same_outputs = std::equal(
      made.outputs.begin(), made.outputs.end(), taken.outputs.begin(), taken.outputs.end(),
      [](const auto& a, const auto& b) { return a.name == b.name && a.digest == b.digest; });
  if (!same_outputs) return false;
  // A step that compares with what its own Pipeline published is found under another key.
  const bool same_key = !made.cache_key.empty() && made.cache_key == taken.cache_key;
  if (made.name == taken.name && taken.reason == plan::kTaken) return true;
  return same_key || (made.name == taken.name && !made.outputs.empty());
}

Maker StepIn(const KnownRun& run, const api::StepStatus& taken) {
  for (const api::StepStatus& made : run.run.status.steps)
    if (MadeTheSame(made, taken)) return {run.run.meta.name, &run, &made};
  return {};
}

}  // namespace

Maker MakerOf(const api::StepStatus& step, const std::vector<KnownRun>& others) {
  for (const KnownRun& run : others) {
    if (!step.cached_from.empty() && run.run.meta.name != step.cached_from) continue;
    if (Maker maker = StepIn(run, step); maker.step != nullptr) return maker;
  }
  return {step.cached_from, nullptr, nullptr};
}

}  // namespace penstock::views
