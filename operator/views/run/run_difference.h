// Two runs side by side: parameters, code, data, metrics. As JSON. Pure.
#pragma once

#include "operator/base/json.h"
#include "operator/views/run/known_run.h"

namespace penstock::views {

// {"before", "after": names, "parameters", "steps": what differs, "metrics": every number that a
// step of both gave}; each entry {"step", "what", "before", "after"}. What a step read from others
// is data; it differs where the digests do.
[[nodiscard]] Json DiffRuns(const KnownRun& before, const KnownRun& after);

}  // namespace penstock::views
