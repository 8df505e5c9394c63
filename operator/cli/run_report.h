// What `penstock run` says of a run that has ended. The command's thread.
#pragma once

#include "operator/base/json_fwd.h"
#include "operator/cli/run_preparation.h"

namespace penstock::cli {

// True of a run that was never begun, because its spec is not valid.
[[nodiscard]] bool WasRefused(const Json& run);

// On session.out the object in options.output's format, or tables of its steps and results; on
// session.err why it is invalid, or the end of each failed step's log.
void ReportRun(const Json& run, const RunOptions& options, const State& state,
               const Session& session);

}  // namespace penstock::cli
