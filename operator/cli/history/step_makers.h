// Who made what a step took from the cache. MakerOf is pure.
#pragma once

#include <string>
#include <vector>

#include "operator/cli/history/run_archive.h"
#include "operator/cli/history/run_lookup.h"

namespace penstock::cli {

// `name` is the run's, "" where nobody knows it; its record and its step are null where that is not
// kept any more.
struct Maker {
  std::string name;
  const KnownRun* run = nullptr;
  const api::StepStatus* step = nullptr;
};

// By status.cachedFrom, and where that is empty (an older entry) by key and digests. `others` has
// the newest first (RunArchive::Before).
[[nodiscard]] Maker MakerOf(const api::StepStatus& step, const std::vector<KnownRun>& others);

// Puts the pod that made it in the place of each step that came from the cache, and says so on
// standard error: `what` is "its log", or whatever the caller is after.
[[nodiscard]] Result<void> FindMakers(const RunArchive& archive, const KnownRun& run,
                                      std::vector<StepPod>& pods, const std::string& what,
                                      const Session& session);

}  // namespace penstock::cli
