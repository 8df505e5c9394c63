#include "operator/plan/attempt/step_retry.h"

#include "operator/base/time.h"
#include "operator/plan/attempt/pod_programs.h"

namespace penstock::plan {

api::StepRetries RetriesOf(const Spent& s) {
  return {s.user, s.out_of_memory, s.infrastructure, s.timeout};
}

Spent SpentOf(const api::StepRetries& r) {
  return {r.user, r.out_of_memory, r.infrastructure, r.timeout};
}

RetryDecision DecideStepRetry(const api::RetrySpec& retry, const Spent& spent, FailureClass failure,
                              std::optional<TimePoint> began, TimePoint ended) {
  RetryDecision decision = DecideRetry(PolicyOf(retry), spent, failure);
  if (!decision.retry || !retry.max_duration || !began) return decision;
  if (ended + decision.wait - *began <= *retry.max_duration) return decision;
  return {.retry = false,
          .spent = spent,
          .reason =
              "retry.maxDuration of " + FormatDuration(*retry.max_duration) + " would have passed"};
}

}  // namespace penstock::plan
