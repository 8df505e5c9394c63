// What `run --watch` looks at: manifests and code folders. Blocks its thread only.
#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "operator/cli/objects/manifest_files.h"

namespace penstock::cli {

// The files that were read and the folders of `code: {path}`.
[[nodiscard]] std::vector<std::filesystem::path> SourcesOf(const Manifests& manifests,
                                                           const std::filesystem::path& directory);

// A text that differs when a file under the sources is changed, made or removed.
[[nodiscard]] std::string Fingerprint(const std::vector<std::filesystem::path>& sources);

// Waits for a change that has settled (two equal looks); false when stopped.
[[nodiscard]] bool AwaitChange(const std::vector<std::filesystem::path>& sources,
                               std::stop_token stop);

}  // namespace penstock::cli
