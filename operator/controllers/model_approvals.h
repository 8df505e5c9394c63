// What people have decided of a ModelDeployment's rollout, for its plan.
#pragma once

#include <functional>
#include <string>

#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

// Fills the approvals and who made the candidate's model; nothing where no step asks for them.
// `wake` is called with the key when the policy for Approvals is another.
void ObserveApprovals(const Context& context, plan::ModelObserved& observed,
                      const std::function<void(const std::string& key)>& wake);

}  // namespace penstock::controllers
