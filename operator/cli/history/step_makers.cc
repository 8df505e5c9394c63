#include "operator/cli/history/step_makers.h"

#include <ostream>

#include "operator/views/run/step_makers.h"

namespace penstock::cli {
namespace {

using views::Maker;
using views::MakerOf;

std::string NoteOf(const Maker& maker, const std::string& what) {
  if (maker.step != nullptr) return "this is " + what + " in run " + maker.name;
  if (maker.name.empty()) return "the run that made it is gone, and " + what + " with it";
  return "run " + maker.name + ", which made it, is gone, and " + what + " with it";
}

}  // namespace

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
    if (maker.step == nullptr) continue;
    pod.pod = maker.step->pod;
    pod.of_run = maker.name;
    pod.of_step = maker.step->name;
  }
  return {};
}

}  // namespace penstock::cli
