// Looks at what stands beside the servers of a ModelDeployment under its name.
#pragma once

#include "operator/controllers/context.h"
#include "operator/plan/model/world.h"

namespace penstock::controllers {

// The PodDisruptionBudget, and the HTTPRoute where there is one or is to be one. A cluster without
// the Gateway API, and a right to it that is missing, are no errors: the model is served all the
// same.
[[nodiscard]] Result<void> ObserveCompanions(const Context& context, plan::ModelObserved& observed);

}  // namespace penstock::controllers
