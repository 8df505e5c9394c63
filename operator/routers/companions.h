// Looks at what stands beside the servers of a ModelDeployment under its name.
#pragma once

#include <stop_token>

#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/plan/model/world.h"

namespace penstock::routers {

// The PodDisruptionBudget, and the HTTPRoute where there is one or is to be one. A cluster without
// the Gateway API, and a right to it that is missing, are no errors: the model is served all the
// same.
[[nodiscard]] Result<void> ObserveCompanions(kube::Client& client, const std::stop_token& stop,
                                             plan::ModelObserved& observed);

}  // namespace penstock::routers
