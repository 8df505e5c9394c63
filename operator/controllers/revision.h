// A run's pinned spec as an immutable ControllerRevision. Pure.
//
// The resolved spec is canonical JSON, compressed with gzip and written in base64, so that a run of
// thousands of steps stays far under the size of an object; the name carries the hash of the JSON.
#pragma once

#include <string>

#include "operator/api/pipeline_run.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::controllers {

inline constexpr std::size_t kMaxObjectBytes = 256 * 1024;

// <run>-<first 10 hex of the hash>, owned by the run. Invalid when it would be over 256 KiB.
[[nodiscard]] Result<Json> MakeRevision(const api::PipelineRun& run,
                                        const plan::ResolvedRun& resolved);

// Internal when the object is no revision of ours or its hash is not that of its content.
[[nodiscard]] Result<plan::ResolvedRun> ReadRevision(const Json& revision);

}  // namespace penstock::controllers
