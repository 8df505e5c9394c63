// What the launcher does outside a task: copying itself into a step's pod, and fetching one
// artifact (the init container of a model server).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "components/launcher/signals.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// Copies this program to `target` (or into it, where it is a folder), mode 0755, by rename.
[[nodiscard]] Result<void> Install(const std::filesystem::path& target);

struct FetchOptions {
  TaskStore store;
  std::string namespace_;
  ArtifactRef artifact;
  std::filesystem::path to;  // replaced where it exists; not a volume's root itself
  std::chrono::milliseconds deadline{600'000};
};
// Fetches beside `to` and renames, so that `to` is whole or absent. kCancelled within a second of
// a signal; the process must then end by _exit.
[[nodiscard]] Result<void> FetchArtifact(const FetchOptions& options, Signals& signals);

}  // namespace penstock::launcher
