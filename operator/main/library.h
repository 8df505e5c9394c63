// The component library, as the operator's image carries it: Components that are made when the
// operator begins to lead, so that an installation needs no kind before its CRD stands, and an
// upgrade takes no version away that a Pipeline may name.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/kube/client.h"
#include "operator/runtime/log.h"

namespace penstock::main {

struct LibraryReport {
  std::vector<std::string> created;
  // Stand with another spec than the manifest's. A Component never changes, so they were left.
  std::vector<std::string> different;
};

// Creates in `ns` each Component of the folder's *.yaml that is not there. Invalid when a manifest
// is no valid Component, before anything is created; else the API server's first error.
[[nodiscard]] Result<LibraryReport> CreateLibrary(kube::Client& client, const std::string& ns,
                                                  const std::filesystem::path& folder,
                                                  const kube::Call& call = {});

// CreateLibrary until it is done or stopped, because the CRDs may be younger than this process.
// Tells the log what was created, what was left, and each new reason for another try.
void InstallLibrary(kube::Client& client, const std::string& ns,
                    const std::filesystem::path& folder, const runtime::Log& log,
                    const std::stop_token& stop);

}  // namespace penstock::main
