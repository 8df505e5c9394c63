// How a run has ended: written into its conditions, and read from them by whoever follows it. Pure.
#pragma once

#include <cstdint>

#include "operator/api/pipeline_run.h"

namespace penstock::plan {

enum class RunOutcome : std::uint8_t { kActive, kSucceeded, kFailed, kCancelled };

// "Succeeded", "Failed", "Cancelled"; empty of one that goes on.
[[nodiscard]] const char* Name(RunOutcome outcome);

// By the conditions Finished and Succeeded.
[[nodiscard]] RunOutcome OutcomeOf(const api::PipelineRun& run);

// Running, Succeeded, Failed, Cancelled, Invalid, Suspended or Pending.
[[nodiscard]] const char* RunWord(const api::PipelineRun& run);

}  // namespace penstock::plan
