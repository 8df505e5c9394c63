// Two runs side by side: parameters, code, data, metrics. As JSON, for `-o json`, and as a table.
// Pure.
#pragma once

#include "operator/base/json.h"
#include "operator/cli/history/run_archive.h"
#include "operator/cli/objects/table.h"

namespace penstock::cli {

// {"before", "after": names, "parameters", "steps": what differs, "metrics": every number that a
// step of both gave}; each entry {"step", "what", "before", "after"}. What a step read from others
// is data; it differs where the digests do.
[[nodiscard]] Json DiffRuns(const KnownRun& before, const KnownRun& after);

// STEP WHAT <before> <after>; a header alone when nothing differs.
[[nodiscard]] Table DiffTable(const Json& difference);

}  // namespace penstock::cli
