// Runs and their pods by what a user types. Any thread.
#pragma once

#include <string>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/cli/objects/session.h"

namespace penstock::cli {

// The run of that name, or the newest run of the Pipeline of that name.
[[nodiscard]] Result<Json> FindClusterRun(const Cluster& cluster, const std::string& name);

struct StepPod {
  std::string step;
  std::string pod;  // of the newest attempt
};
// The pods of all steps that had one, or of the named step. The error lists the steps, or says that
// the step came from the cache.
[[nodiscard]] Result<std::vector<StepPod>> PodsOf(const Json& run, const std::string& step);

[[nodiscard]] bool StepHasEnded(const Json& run, const std::string& step);

}  // namespace penstock::cli
