// The volumes that are made for a run. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// The claims that `pod`, the next of step `s`, needs and no earlier pod of the run has had made. A
// claim that is made twice meets its own name and owner, and is taken.
[[nodiscard]] std::vector<CreateClaim> ClaimsFor(const RunObserved& observed,
                                                 const std::vector<StepState>& steps,
                                                 const StepState& s, const std::string& pod);

}  // namespace penstock::plan
