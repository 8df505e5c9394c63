// Who made what a step took from the cache. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/views/run/known_run.h"

namespace penstock::views {

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

}  // namespace penstock::views
