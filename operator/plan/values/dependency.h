// Whether a step that has ended, ended as another step wants it. Pure.
//
//   outcome              met by
//   Succeeded            Succeeded; Failed where it may (allowFailure)
//   Failed               Failed, also where it may
//   Skipped              Skipped, unless because a step before it failed
//   SucceededOrSkipped   what meets Succeeded or Skipped
//   Any                  every end
//
// Cancelled meets Any only.
#pragma once

#include <string>

#include "operator/api/pipeline_run.h"

namespace penstock::plan {

// Reason of a step that was skipped because one before it failed, or one before that.
inline constexpr const char* kDependencyFailed = "DependencyFailed";

[[nodiscard]] bool IsMet(api::DependencyOutcome wanted, const api::StepStatus& ended);

// Why a step is skipped that depends on `ended` and did not get what it wanted.
struct SkipReason {
  std::string reason;
  std::string message;
};
[[nodiscard]] SkipReason WhySkipped(const api::StepStatus& ended);

}  // namespace penstock::plan
