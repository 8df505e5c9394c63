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

// Puts into the place of each looped step what its items ran in, named "each.3": the pod of the
// newest attempt, or of a loop over a Pipeline its run. Items without either (they came from the
// cache, or did not start) are left out; NotFound where one of them was asked for.
[[nodiscard]] Result<void> FindItems(const RunArchive& archive, const KnownRun& run,
                                     const RunPlace& place, const Session& session,
                                     std::vector<StepPod>& pods);

}  // namespace penstock::cli
