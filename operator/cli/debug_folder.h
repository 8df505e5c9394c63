// A folder in which one step can be run again by hand, with its inputs and parameters.
//
//   <root>/run               a script: the step as it ran, by the launcher, into <root>/work
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
};

// `config` is the content of the task's ConfigMap, or empty. Outputs of a run by hand stay in
// <root>/store: nothing real is touched.
[[nodiscard]] Result<DebugFolder> MakeDebugFolder(const std::filesystem::path& root,
                                                  const Json& pod, const std::string& config,
                                                  const std::filesystem::path& launcher,
                                                  const FetchArtifact& fetch);

}  // namespace penstock::cli
