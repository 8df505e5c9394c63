// What the metadata store is told of a run. Pure.
#pragma once

#include "operator/api/pipeline_run.h"
#include "operator/metadata/record.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::controllers {

// `resolved` may be null: a run of which only the status is known.
[[nodiscard]] metadata::RunRecord MakeRecord(const api::PipelineRun& run,
                                             const plan::ResolvedRun* resolved);

}  // namespace penstock::controllers
