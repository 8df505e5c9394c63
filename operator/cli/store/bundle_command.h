// penstock store export|import: artifacts from one store to another. Used by the command's thread.
#pragma once

#include <string>
#include <vector>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

struct BundleOptions {
  std::vector<std::string> what;  // of export
  std::string file;
  bool json = false;
  std::string gateway, token_file, ca_file;  // of a cluster
};

int ExportArtifacts(const BundleOptions& options, Session& session);
int ImportArtifacts(const BundleOptions& options, Session& session);

}  // namespace penstock::cli
