// Decides what a ModelDeployment needs next. Pure: (spec, digest to follow, Deployments, Service,
// endpoints, now) in, (actions, status, requeue) out.
//
//   new digest -> candidate <md>-v<N> -> fully available -> Service's selector = N -> endpoints
//   switched + 30 s -> old Deployment deleted
//        the model does not load, or answers its examples wrong: rejected, deleted, remembered in
//        status.history, not tried again until the spec changes; the stable one goes on.
//        anything else (no node, no image, a quota): it waits, says why, is Stalled after
//        progressDeadline, and goes on by itself when the cause is gone.
//
// `now` makes stamps only. Ages are the Deployment controller's, or were counted by a steady clock.
#pragma once

#include "operator/base/time.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

[[nodiscard]] ModelPlan PlanModelDeployment(const ModelObserved& observed,
                                            const ModelSettings& settings, TimePoint now);

}  // namespace penstock::plan
