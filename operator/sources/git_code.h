// A step's own program from a Git repository: one commit's folder, stored as an artifact. Runs the
// program `git`, with nothing of the operator's environment but PATH, proxies and certificates.
// Blocks on the network; thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "operator/api/pipeline.h"
#include "operator/artifacts/store.h"

namespace penstock::sources {

struct GitOptions {
  std::chrono::milliseconds limit{120'000};  // for the whole fetch
  std::uintmax_t max_bytes =
      256 << 20;  // of the repository's folder at one commit, with its history of depth 1
  bool local_files = false;  // file:// URLs too (`penstock run`)
  std::stop_token stop;
};

// Fetches code.git's revision (default: the repository's HEAD), without submodules, and stores the
// folder code.git.path of it (default: all). Invalid names the field that is wrong, or
// hands on what git said: a repository that does not answer is the user's to judge. Transient when
// it took too long.
[[nodiscard]] Result<ArtifactRef> StoreGitFolder(const artifacts::Store& store,
                                                 const std::string& ns,
                                                 const api::CodeSpec::Git& git,
                                                 const GitOptions& options);

}  // namespace penstock::sources
