#include "operator/plan/run/run_volumes.h"

#include <algorithm>

#include "operator/plan/attempt/pod_programs.h"

namespace penstock::plan {
namespace {

bool Mounts(const ResolvedStep& step, const std::string& volume) {
  return std::find(step.run_volumes.begin(), step.run_volumes.end(), volume) !=
         step.run_volumes.end();
}

// A pod that mounts it has been made, and the claim before it.
bool IsMade(const std::vector<StepState>& steps, const std::string& volume) {
  return std::any_of(steps.begin(), steps.end(), [&](const StepState& other) {
    return other.status.attempts > 0 && Mounts(*other.step, volume);
  });
}

}  // namespace

std::vector<CreateClaim> ClaimsFor(const RunObserved& o, const std::vector<StepState>& steps,
                                   const StepState& s, const std::string& pod) {
  std::vector<CreateClaim> claims;
  if (s.step->run_volumes.empty()) return claims;
  for (const api::RunVolume& v : o.resolved->volumes)
    if (Mounts(*s.step, v.name) && !IsMade(steps, v.name))
      claims.push_back(
          {ClaimName(o.run.meta.name, o.run.meta.uid, v.name), BuildClaim(o.run, v), pod});
  return claims;
}

}  // namespace penstock::plan
