// What a ModelDeployment's status says of its versions and of the way to the next one. Pure.
#pragma once

#include <string>

#include "operator/base/time.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

// What this plan does.
struct Rollout {
  bool promoting = false;       // the candidate takes the traffic
  bool stable_changes = false;  // the stable Deployment is not yet what the spec says
  std::string note;             // why a person's wish is not met; beside what holds anyway
  std::string waits;            // for an approval of the candidate: the reason
  std::string held;             // the candidate gets no traffic until somebody acts: the reason
};

// Fills url, replicas, selector and conditions, and adds the event of a trouble; needs the plan's
// stable, candidate and history.
void PutStatus(const ModelObserved& observed, const Rollout& rollout, TimePoint now,
               ModelPlan& plan);

}  // namespace penstock::plan
