// What the items of looped steps ran in. The command's thread.
#pragma once

#include <vector>

#include "operator/cli/history/run_archive.h"
#include "operator/cli/history/run_lookup.h"

namespace penstock::cli {

// Where the pods and logs of a run are: in the state folder, or in a cluster. The other is null.
struct RunPlace {
  const State* state = nullptr;
  const Cluster* cluster = nullptr;
};

// What becomes of items of a cluster that have ended and of which no pod stands: they came from the
// cache, or somebody deleted their pods.
enum class GoneItems : bool { kLeftOut, kNamed };

// Puts into the place of each looped step what its items ran in, named "each.3": the pod of the
// newest attempt, or of a loop over a Pipeline its run. Items without either that have not ended,
// and those that are gone unless these are `kNamed`, are left out; NotFound where one of them was
// asked for.
[[nodiscard]] Result<void> FindItems(const RunArchive& archive, const KnownRun& run,
                                     const RunPlace& place, const Session& session,
                                     std::vector<StepPod>& pods,
                                     GoneItems gone = GoneItems::kLeftOut);

}  // namespace penstock::cli
