// Decides what the routers of a namespace need next. Pure.
//
// They are made when the first ModelDeployment of the namespace goes through routers, are what this
// release makes them from then on, come back when somebody deletes them, and go a while after the
// last one has left.
#pragma once

#include "operator/plan/router/world.h"

namespace penstock::plan {

[[nodiscard]] RouterPlan PlanRouters(const RoutersObserved& observed,
                                     const RouterSettings& settings);

}  // namespace penstock::plan
