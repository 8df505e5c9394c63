// What `penstock run` says of a run that has ended. The command's thread.
#pragma once

#include "operator/base/json_fwd.h"
#include "operator/cli/history/run_change.h"
#include "operator/cli/run_preparation.h"

namespace penstock::cli {

// True of a run that was never begun, because its spec is not valid.
[[nodiscard]] bool WasRefused(const Json& run);

// Stands for a run in what is reported where options.if_changed kept it from starting.
[[nodiscard]] Json NotStarted(const RunChange& unchanged);

// Tables of its steps and results on session.out; on session.err why it is invalid, or the end of
// each failed step's log, which stands in `state` (null: on a cluster).
void ReportRun(const Json& run, const RunOptions& options, const State* state,
               const Session& session);

// The same of all runs as objects, in options.output's format.
void ReportRuns(const std::vector<Json>& runs, const RunOptions& options, const State* state,
                const Session& session);

}  // namespace penstock::cli
