// The pods that made what steps took from the cache.
#pragma once

#include <string>
#include <vector>

#include "operator/cli/history/run_archive.h"
#include "operator/cli/history/run_lookup.h"

namespace penstock::cli {

// Puts the pod that made it in the place of each step that came from the cache, and says so on
// standard error: `what` is "its log", or whatever the caller is after.
[[nodiscard]] Result<void> FindMakers(const RunArchive& archive, const KnownRun& run,
                                      std::vector<StepPod>& pods, const std::string& what,
                                      const Session& session);

}  // namespace penstock::cli
