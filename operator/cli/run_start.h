// Whether a run starts: of what, and with `penstock run --if-changed` whether at all. Used by the
// command's thread.
#pragma once

#include <string>

#include "operator/cli/history/run_archive.h"
#include "operator/cli/history/run_change.h"
#include "operator/cli/objects/session.h"
#include "operator/cli/run_preparation.h"

namespace penstock::cli {

// The one argument where it is no file of this machine but reads like a Pipeline's name; else "".
[[nodiscard]] std::string PipelinesNameIn(const RunOptions& options, const Session& session);

struct SuspendedRun {
  kube::Client& client;
  std::string ns;
  std::string name;
  bool local_files = false;  // file:// sources are this machine's
};

// Waits until the engine has pinned what the run is made of, compares that with the last run of
// `history` that succeeded, and either lets the run go on and says why, or deletes it: then `why`
// of what it gives is empty. A run that is refused is let go on: its status says what is wrong.
[[nodiscard]] Result<RunChange> StartIfChanged(const SuspendedRun& run, const RunArchive& history,
                                               const Session& session);

// Shows a cluster's run of that Pipeline until it has ended, reports it, and gives the exit code.
[[nodiscard]] int FollowOnCluster(const Cluster& cluster, const std::string& name,
                                  const std::string& pipeline, const RunOptions& options,
                                  Session& session);

// True of a run that has ended or never begins, because its spec is not valid.
[[nodiscard]] bool HasEnded(const Json& run);

}  // namespace penstock::cli
