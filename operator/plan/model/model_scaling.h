// How many servers the versions of a ModelDeployment have, where spec.autoscaling leaves it to what
// the routers see. operator/plan/scaling decides; here is what it decides on, and who is told.
// Pure.
//
//   servers --(nobody asks for idleAfter)--> none: Idle, the Service at the routers
//      ^                                       | a request is held; a new version comes in;
//      '--(the held requests go to them)-- one '  there are no routers
#pragma once

#include <string>

#include "operator/plan/model/world.h"

namespace penstock::plan {

struct ScalingStep {
  int before = 0;  // servers of the stable version that are asked for
  int replicas = 0;
  std::string why;  // of a change
  std::optional<Milliseconds> look_again;
};

// Looks at the load, and puts the number into observed.md.spec.replicas: of the stable version, and
// of a candidate, which has as many.
[[nodiscard]] ScalingStep Scale(ModelObserved& observed);

// Nothing is done of a spec with errors, but for this: a model that sleeps is not cut off by it. A
// request that a router holds is given a server.
void WakeDespiteErrors(const ModelObserved& observed, ModelPlan& plan);

// The event of a change, the next look, and whether a request that is held is one.
void TellScaling(const ScalingStep& step, ModelPlan& plan);

// Requests under way that one server is full with: what the spec says, or its CPUs.
[[nodiscard]] int ConcurrencyOf(const api::ModelDeploymentSpec& spec);

// Of a spec that Scale has filled: all servers are let go until somebody asks.
[[nodiscard]] bool IsIdle(const api::ModelDeploymentSpec& spec);

}  // namespace penstock::plan
