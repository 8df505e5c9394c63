// How a run stands by the ends of its steps: what its finally steps see, and how it ends. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/step/run_outcome.h"
#include "operator/plan/step/step_state.h"

namespace penstock::plan {

// Which steps count.
enum class Among : std::uint8_t {
  kSteps,  // those before the finally steps: what $(run.status) is of
  kAll,    // the run's end
};

struct RunSoFar {
  RunOutcome outcome = RunOutcome::kSucceeded;  // kActive while one has not ended
  std::string reason;                      // Succeeded, StepFailed, DeadlineExceeded, Cancelled
  std::vector<const StepState*> failures;  // Failed ones, in their order; not allowed ones
};

// A step stopped by the run's deadline makes it Failed, whatever else happened; then one that was
// cancelled makes it Cancelled; then one that failed and may not makes it Failed.
[[nodiscard]] RunSoFar HowItStands(const std::vector<StepState>& steps, Among among);

// What $(run.status), $(run.failures) and $(run.duration) are: {"status": "Failed", "failures":
// [{"step", "reason", "message"}], "duration": whole seconds since the run began}.
[[nodiscard]] Json RunValues(const RunObserved& observed, const std::vector<StepState>& steps,
                             TimePoint now);

}  // namespace penstock::plan
