// penstock store du|gc|verify: what artifacts take, which of them go, whether they are whole. Used
// by the command's thread.
#pragma once

#include <string>

#include "operator/cli/objects/session.h"
#include "operator/retention/store_keeper.h"

namespace penstock::cli {

struct StoreOptions {
  bool dry_run = false;                      // of gc
  bool take_over = false;                    // of gc
  std::string gateway, token_file, ca_file;  // of a cluster
  std::string output;                        // json
};

// Exit code 1 also where a namespace could not be collected, or an artifact is altered or missing.
int StoreCommand(retention::StoreJob job, const StoreOptions& options, Session& session);

}  // namespace penstock::cli
