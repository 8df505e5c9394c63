// Looks at a step's condition when the steps before it have ended. Pure.
//
//   true                            it runs
//   false                           Skipped, WhenFalse, with the values that were read
//   a value that is not there       Skipped, ResultAbsent, as where a parameter would read it
//   another error (1 / 0, no bool)  Failed, WhenError; so is a list that is too long to be read,
//   and
//                                   what a step gave that has no entry in the run's status
//
// && and || go by what decides, so that `has(steps.a.results.r) && steps.a.results.r > 1` is false
// where there is no result.
#pragma once

#include <optional>
#include <string>

#include "operator/plan/resolve/resolve.h"
#include "operator/plan/values/value_source.h"

namespace penstock::plan {

// Why the step does not run; nullopt: it does.
struct WhenNot {
  api::StepPhase phase = api::StepPhase::kSkipped;  // or kFailed
  std::string reason;
  std::string message;
};
// With `source.each` of an item of a looped step.
[[nodiscard]] std::optional<WhenNot> LookAtWhen(const ResolvedStep& step, const ResolvedRun& run,
                                                const ValueSource& source);

}  // namespace penstock::plan
