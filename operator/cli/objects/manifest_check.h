// What is wrong with manifests beyond their form: references, Components, code folders. Reads the
// file system for the last; any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operator/cli/objects/manifest_files.h"

namespace penstock::cli {

// Everything that is wrong, errors of decoding included, also between the manifests. A finding that
// only follows from a field that could not be decoded is left out; every other is told beside it.
// `warnings` gets what is only worth knowing.
[[nodiscard]] std::vector<Problem> CheckManifests(const Manifests& manifests,
                                                  const std::vector<api::Component>& library,
                                                  const std::filesystem::path& directory,
                                                  std::vector<Problem>& warnings);

// What is wrong with the lock `file` of Python packages in the code of `folder`, beginning with its
// name; nullopt: nothing.
[[nodiscard]] std::optional<std::string> WrongLock(const std::filesystem::path& folder,
                                                   const std::string& file);

}  // namespace penstock::cli
