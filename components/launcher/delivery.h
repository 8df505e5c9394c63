// What the launcher does outside a task: copying itself into a step's pod, and fetching one
// artifact (the init container of a model server).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "components/launcher/model_fetch.h"
#include "components/launcher/signals.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// Copies this program to `target` (or into it, where it is a folder), mode 0755, by rename.
[[nodiscard]] Result<void> Install(const std::filesystem::path& target);

struct FetchOptions {
  TaskStore store;
  std::string namespace_;
  ArtifactRef artifact;  // its digest is that of `source`, where there is one
  ModelFetch model;      // where `model.source` is not empty: from there and not from the store
  bool verify = false;   // nothing is fetched: `to` is there, and must have the digest
  std::filesystem::path claim;  // not empty: kept there under the digest; `to` is not used
  std::filesystem::path to;     // replaced where it exists; not a volume's root itself
  std::chrono::milliseconds deadline{600'000};
};
// Fetches beside `to` and renames, so that `to` is whole or absent. kCancelled within a second of
// a signal; the process must then end by _exit.
[[nodiscard]] Result<void> FetchArtifact(const FetchOptions& options, Signals& signals);

}  // namespace penstock::launcher
