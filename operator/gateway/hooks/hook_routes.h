// POST /hooks/NAMESPACE/PIPELINE/TRIGGER: a signed delivery makes a run of the Pipeline, which
// waits for its turn (plan/pipeline/webhook_plan.h). Who calls is told by the signature alone:
// there is no token. Unknown names, a signature that does not fit and a key that cannot be read are
// answered alike, with 401.
//
//   202  {"run", "duplicate"}  the run is there; `duplicate`: by an earlier delivery of this id
//   200  of GitHub's ping
//   401  nothing is known of the caller
//   413  the body is over kMostHookBytes, or over the namespace's share of the gateway's memory
//   422  the body does not give the parameters that the trigger takes from it; all of them are
//   named 429, 503  try again
#pragma once

#include <functional>

#include "operator/gateway/body_budget.h"
#include "operator/gateway/hooks/hook_keys.h"
#include "operator/gateway/router.h"

namespace penstock::gateway {

inline constexpr std::size_t kMostHookBytes = 1 << 20;

// What the route stands on; all of it must outlive the router.
struct HookParts {
  kube::Client* client = nullptr;  // the operator's own account
  const Clock* clock = nullptr;
  HookKeys* keys = nullptr;
  BodyBudget* bodies = nullptr;
  // A line of JSON for each delivery that was signed: what became of it.
  std::function<void(const std::string& line)> audit = [](const std::string&) {};
};

void AddHooks(Router& router, const HookParts& parts);

}  // namespace penstock::gateway
