// An approval step as its run was pinned. Any thread.
#pragma once

#include <string>

#include "operator/api/gate.h"
#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/kube/client.h"

namespace penstock::cli {

// Forbidden where who asks may not read ControllerRevisions; Invalid where the step is none.
[[nodiscard]] Result<api::ApprovalStep> PinnedApproval(kube::Client& client, const Json& run,
                                                       const std::string& step);

}  // namespace penstock::cli
