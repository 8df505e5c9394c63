// What the metadata store is told of a run. It is a projection: all of it can be told again. Pure.
#pragma once

#include <string>

#include "operator/api/pipeline_run.h"
#include "operator/metadata/record.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::views {

// `resolved` may be null: a run of which only the status is known. `revision` is the
// ControllerRevision of it as JSON; null: it is made, where the run has ended.
[[nodiscard]] metadata::RunRecord MakeRecord(const api::PipelineRun& run,
                                             const plan::ResolvedRun* resolved,
                                             const std::string* revision = nullptr);

// What lists show of it: without parameters, steps and story.
[[nodiscard]] metadata::RunRecord SummaryOf(const api::PipelineRun& run);

}  // namespace penstock::views
