// What this machine cannot do for a run, said by name before anything of it starts.
#pragma once

#include <string>
#include <vector>

#include "operator/cli/run_preparation.h"

namespace penstock::cli {

// Volumes of a kind that only a cluster has, ConfigMaps and Secrets that are in no file, mounts
// that the machine does not let us make, artifacts that are not in the state folder, a suspended
// run. Each with the step, and what to do.
[[nodiscard]] std::vector<std::string> WhatCannotRunHere(const PreparedRun& prepared,
                                                         const Choice& choice,
                                                         const RunOptions& options,
                                                         const Session& session,
                                                         const State& state);

// What --approve says wrong, or what nobody here can decide, of all runs that are meant: looked at
// before the first of them starts.
[[nodiscard]] std::vector<std::string> WrongApprovals(const Manifests& manifests,
                                                      const CheckedFiles& files,
                                                      const RunOptions& options,
                                                      const Session& session);

}  // namespace penstock::cli
