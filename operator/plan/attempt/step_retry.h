// What a step's failures have spent. Pure.
#pragma once

#include <optional>

#include "operator/api/pipeline_run.h"
#include "operator/plan/attempt/retry_plan.h"

namespace penstock::plan {

// As a status has it, and back.
[[nodiscard]] api::StepRetries RetriesOf(const Spent& spent);
[[nodiscard]] Spent SpentOf(const api::StepRetries& retries);

// DecideRetry by what the step says of it. `began`, where it is known: the start of the first
// attempt, after which retry.maxDuration leaves none; `ended`: of the attempt that failed.
[[nodiscard]] RetryDecision DecideStepRetry(const api::RetrySpec& retry, const Spent& spent,
                                            FailureClass failure, std::optional<TimePoint> began,
                                            TimePoint ended);

}  // namespace penstock::plan
