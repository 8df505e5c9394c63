// Inputs that are artifacts put into the store by hand, named by their digests: they may not be
// there yet, or never. Pure.
#pragma once

#include <set>
#include <string>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/step/step_state.h"
#include "operator/plan/step/world.h"

namespace penstock::plan {

// True: all of `put_by_hand`, by input, are there, and `spec` says what they are. False: the state
// says which is missing and for how long it is waited for (timeouts.pending), or has failed; the
// store is asked.
[[nodiscard]] bool FindPutArtifacts(StepState& s, AttemptSpec& spec,
                                    const std::set<std::string>& put_by_hand,
                                    const RunObserved& observed, TimePoint now,
                                    FactRequests& requests);

}  // namespace penstock::plan
