// One run on this machine, from the engine's start to its end. Blocks; the command's thread.
#pragma once

#include "operator/base/json_fwd.h"
#include "operator/cli/objects/progress.h"
#include "operator/cli/run_preparation.h"

namespace penstock::cli {

// The exit code; `run` gets the finished object when there was one, or what NotStarted says.
[[nodiscard]] int RunHere(const PreparedRun& prepared, const RunOptions& options,
                          const Session& session, const State& state, Progress& progress,
                          Json& run);

}  // namespace penstock::cli
