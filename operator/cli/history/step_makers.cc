#include "operator/cli/history/step_makers.h"

#include <algorithm>
#include <ostream>

namespace penstock::cli {
namespace {

bool MadeTheSame(const api::StepStatus& made, const api::StepStatus& taken) {
  if (made.cached || made.phase != api::StepPhase::kSucceeded) return false;
  const bool same_outputs = std::equal(
      made.outputs.begin(), made.outputs.end(), taken.outputs.begin(), taken.outputs.end(),
      [](const auto& a, const auto& b) { return a.name == b.name && a.digest == b.digest; });
  if (!same_outputs) return false;
  // A step that compares with what its own Pipeline published is found under another key.
  const bool same_key = !made.cache_key.empty() && made.cache_key == taken.cache_key;
  return same_key || (made.name == taken.name && !made.outputs.empty());
}

Maker StepIn(const KnownRun& run, const api::StepStatus& taken) {
  for (const api::StepStatus& made : run.run.status.steps)
    if (MadeTheSame(made, taken)) return {run.run.meta.name, &run, &made};
  return {};
}

std::string NoteOf(const Maker& maker, const std::string& what) {
  if (maker.step != nullptr) return "this is " + what + " in run " + maker.name;
  if (maker.name.empty()) return "the run that made it is gone, and " + what + " with it";
  return "run " + maker.name + ", which made it, is gone, and " + what + " with it";
}

}  // namespace

Maker MakerOf(const api::StepStatus& step, const std::vector<KnownRun>& others) {
  for (const KnownRun& run : others) {
    if (!step.cached_from.empty() && run.run.meta.name != step.cached_from) continue;
    if (Maker maker = StepIn(run, step); maker.step != nullptr) return maker;
  }
  return {step.cached_from, nullptr, nullptr};
}

Result<void> FindMakers(const RunArchive& archive, const KnownRun& run, std::vector<StepPod>& pods,
                        const std::string& what, const Session& session) {
  std::optional<std::vector<KnownRun>> others;
  for (StepPod& pod : pods) {
    if (!pod.pod.empty()) continue;
    if (!others) {
      Result<std::vector<KnownRun>> read = archive.Before(run);
      if (!read) return read.error();
      others = *std::move(read);
    }
    const Maker maker = MakerOf(*run.Step(pod.step), *others);
    session.err << "note: step " << pod.step << " came from the cache; " << NoteOf(maker, what)
                << "\n";
    if (maker.step != nullptr) pod.pod = maker.step->pod;
  }
  return {};
}

}  // namespace penstock::cli
