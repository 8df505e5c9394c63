// Carries out the actions of a run's plan.
//
// Pods and child runs first, in parallel, each pod after the ConfigMap that it mounts; then
// deletions and cancels. A name that is
// taken is adopted only when a live GET shows our run's UID as its owner. A create that
// fails (quota, admission, a webhook that is down) is no error of the reconcile: it becomes a fact
// that the plan tells the user, and is tried again less and less often.
#pragma once

#include <optional>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/controllers/refusals.h"
#include "operator/controllers/run_facts.h"

namespace penstock::controllers {

struct ActionReport {
  int pods_created = 0;
  std::optional<Error> error;               // the first that is worth a retry with back-off
  std::optional<Milliseconds> retry_after;  // of a create that waits for its turn
  std::vector<std::string> runs_changed;    // child runs, which are to be looked at
  bool runs_gone = false;                   // child runs that are not there: what they held is free
  bool refused = false;                     // just now: plan again, so that the status says it
};

[[nodiscard]] ActionReport Act(const Context& context, const api::PipelineRun& run,
                               const std::vector<plan::RunAction>& actions, RunFacts& facts,
                               PodTries& tries);

}  // namespace penstock::controllers
