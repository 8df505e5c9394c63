// What a step's next attempt is made with, once the steps before it have ended. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// The status of a step of the run, as it is now.
using StatusOf = std::function<const api::StepStatus*(const std::string& step)>;

struct Ingredients {
  std::vector<TaskInput> inputs;           // absent optional ones are left out
  std::map<std::string, Json> parameters;  // resolved; null ones are left out
  std::optional<ArtifactRef> code;         // the step's own
  // Why it cannot run; empty: it can.
  std::string skip_reason;  // OutputAbsent, ResultAbsent: the step is skipped
  std::string fail_reason;  // InvalidParameter: the step fails
  std::string message;
};

[[nodiscard]] Ingredients Gather(const ResolvedStep& step, const std::string& run_name,
                                 const StatusOf& status_of);

// True when the command, args, workingDir or env ask for $(run.name).
[[nodiscard]] bool AsksRunName(const ResolvedStep& step);

}  // namespace penstock::plan
