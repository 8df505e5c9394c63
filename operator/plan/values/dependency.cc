#include "operator/plan/values/dependency.h"

namespace penstock::plan {
namespace {

using api::DependencyOutcome;
using api::StepPhase;

bool FollowsAFailure(const api::StepStatus& s) {
  return s.phase == StepPhase::kSkipped && s.reason == kDependencyFailed;
}

bool EndedWell(const api::StepStatus& s) {
  return s.phase == StepPhase::kSucceeded || (s.phase == StepPhase::kFailed && s.allowed);
}

}  // namespace

bool IsMet(DependencyOutcome wanted, const api::StepStatus& s) {
  const bool skipped = s.phase == StepPhase::kSkipped && !FollowsAFailure(s);
  switch (wanted) {
    case DependencyOutcome::kSucceeded:
      return EndedWell(s);
    case DependencyOutcome::kFailed:
      return s.phase == StepPhase::kFailed;
    case DependencyOutcome::kSkipped:
      return skipped;
    case DependencyOutcome::kSucceededOrSkipped:
      return EndedWell(s) || skipped;
    case DependencyOutcome::kAny:
      return api::IsFinal(s.phase);
  }
  return false;
}

SkipReason WhySkipped(const api::StepStatus& s) {
  if (FollowsAFailure(s))
    return {kDependencyFailed, "step " + s.name + " was skipped because a step before it failed"};
  return {std::string("Dependency") + api::Name(s.phase),
          "step " + s.name + " ended as " + api::Name(s.phase)};
}

}  // namespace penstock::plan
