// A folder in which one step can be run again by hand, with its inputs and parameters.
//
//   <root>/run               a script: the step in its environment, by the launcher, into
//                            <root>/work
//   <root>/code              the step's own code: edited here, it is what the script runs
//   <root>/task.json         its task document, the store replaced by <root>/store
//   <root>/inputs/<name>     a copy of each input to look at
//   <root>/parameters.json
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::cli {

using FetchArtifact =
    std::function<Result<void>(const ArtifactRef& artifact, const std::filesystem::path& target)>;

struct DebugFolder {
  std::filesystem::path root;
  std::string command;  // with its references, as the step has it
  bool has_code = false;
};

// Makes a folder that the user named ours: one that is new or empty, or that an earlier call made
// for the same pod. Any other is refused with a hint, as the script empties <root>/work.
[[nodiscard]] Result<void> ClaimDebugFolder(const std::filesystem::path& root,
                                            const std::string& pod);

// `config` is the content of the task's ConfigMap, or empty; `exports` are lines of the script that
// set the environment (debug_environment.h). Outputs of a run by hand stay in <root>/store: nothing
// real is touched. Code and inputs that an earlier call put there are left as they are.
[[nodiscard]] Result<DebugFolder> MakeDebugFolder(const std::filesystem::path& root,
                                                  const Json& pod, const std::string& config,
                                                  const std::filesystem::path& launcher,
                                                  const std::string& exports,
                                                  const FetchArtifact& fetch);

}  // namespace penstock::cli
