// What a ModelDeployment's status says of its versions and of the way to the next one. Pure.
#pragma once

#include <string>

#include "operator/base/time.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

// How the candidate fares.
struct Rollout {
  bool promoting = false;
  std::string trouble;  // what keeps it from being ready
};

// Fills url, replicas, selector and conditions; needs the plan's stable, candidate and history.
void PutStatus(const ModelObserved& observed, const Rollout& rollout, TimePoint now,
               ModelPlan& plan);

}  // namespace penstock::plan
