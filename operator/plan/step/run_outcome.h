// Where a run stands as a whole: whether it waits for its turn, and how it has ended, which is
// written into its conditions and read from them by whoever follows it. Pure.
#pragma once

#include <cstdint>

#include "operator/api/pipeline_run.h"

namespace penstock::plan {

enum class RunOutcome : std::uint8_t { kActive, kSucceeded, kFailed, kCancelled };

// "Succeeded", "Failed", "Cancelled"; empty of one that goes on.
[[nodiscard]] const char* Name(RunOutcome outcome);

// By the conditions Finished and Succeeded.
[[nodiscard]] RunOutcome OutcomeOf(const api::PipelineRun& run);

// Something of an earlier run stands in for a step of it that has failed (onFailure).
[[nodiscard]] bool UsedLastGood(const api::PipelineRun& run);

// An annotation of a run that was made before its turn came, suspended: when it was asked for. The
// planner of its Pipeline takes it away as it lets the run begin.
inline constexpr const char* kWaitsSince = "penstock.dev/waits-since";

// It has that, is still suspended and has not ended. It is pinned to nothing yet.
[[nodiscard]] bool WaitsForTurn(const api::PipelineRun& run);

// Running, Succeeded, Failed, Cancelled, Invalid, Suspended or Pending.
[[nodiscard]] const char* RunWord(const api::PipelineRun& run);

}  // namespace penstock::plan
