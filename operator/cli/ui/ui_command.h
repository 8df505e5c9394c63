// penstock ui: the page over the runs of this machine, or of a cluster with the kubeconfig's
// identity. Blocks until it is interrupted.
#pragma once

#include <filesystem>

#include "operator/cli/objects/session.h"

namespace penstock::cli {

struct UiOptions {
  int port = 8090;
};
int ServeUi(const UiOptions& options, Session& session);

// Where the page is: PENSTOCK_UI, <prefix>/share/penstock/ui, or ui/dist above the program.
[[nodiscard]] std::filesystem::path PageFolder(const Session& session);

}  // namespace penstock::cli
