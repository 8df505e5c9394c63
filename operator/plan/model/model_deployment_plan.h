// Decides what a ModelDeployment needs next. Pure: (spec, digest to follow, Deployments, Service,
// endpoints, now) in, (actions, status, requeue) out.
//
//   new digest -> candidate <md>-v<N> -> fully available -> Service's selector = N -> endpoints
//   switched + 30 s -> old Deployment deleted
//        candidate not ready within progressDeadline, or its container gives up: rejected, deleted,
//        remembered in status.history, never tried again; the stable one goes on.
#pragma once

#include "operator/base/time.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

[[nodiscard]] ModelPlan PlanModelDeployment(const ModelObserved& observed,
                                            const ModelSettings& settings, TimePoint now);

}  // namespace penstock::plan
