// A run as it is kept, and what it was pinned to. Value type.
#pragma once

#include <optional>
#include <string>

#include "operator/api/pipeline_run.h"
#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::views {

// A run and the spec that was pinned when it started; absent while it was not, or is not kept.
struct KnownRun {
  Json object;
  api::PipelineRun run;
  std::optional<plan::ResolvedRun> resolved;
  // nullptr when there is no such step.
  [[nodiscard]] const api::StepStatus* Step(const std::string& name) const;
};
// Without its spec. Invalid names the run.
[[nodiscard]] Result<KnownRun> ReadRun(Json object);

}  // namespace penstock::views
