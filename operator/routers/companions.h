// Looks at what stands beside the servers of a ModelDeployment under its name.
#pragma once

#include <stop_token>

#include "operator/base/result.h"
#include "operator/kube/client.h"
#include "operator/plan/model/world.h"

namespace penstock::routers {

// One kind of it, after `observed.deployments`: the PodDisruptionBudget, or the HTTPRoute where
// there is one or is to be one. A cluster without the Gateway API is no error; what else keeps it
// from being read is one, and nothing of `observed` is another then.
[[nodiscard]] Result<void> ObserveCompanion(plan::Companion kind, kube::Client& client,
                                            const std::stop_token& stop,
                                            plan::ModelObserved& observed);

}  // namespace penstock::routers
