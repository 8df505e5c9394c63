// Which ModelDeployments need the routers of their namespace. Pure.
#pragma once

#include <algorithm>

#include "operator/api/model_deployment.h"

namespace penstock::plan {

// Its servers answer gRPC, too.
[[nodiscard]] inline bool SpeaksGrpc(const api::ModelDeploymentSpec& spec) {
  return spec.server.grpc_port != 0;
}

// No request may reach its servers past the routers, which speak TLS and check tokens.
[[nodiscard]] inline bool IsGuarded(const api::ModelDeploymentSpec& spec) {
  return spec.expose.tls || spec.expose.jwt;
}

// A split of traffic, copies of it, a version that answers by its header alone and what guards its
// port need routers, and so do servers whose number follows from what routers see. For one version
// at a time the Service goes to the pods of the stable version.
[[nodiscard]] inline bool UsesRouter(const api::ModelDeploymentSpec& spec) {
  const api::RolloutSpec& r = spec.rollout;
  const bool judged = std::any_of(r.gates.begin(), r.gates.end(),
                                  [](const api::GateSpec& gate) { return !gate.rows; });
  return IsGuarded(spec) || r.strategy == api::RolloutStrategy::kCanary || r.shadow ||
         !r.auto_promote || judged || spec.autoscaling;
}

}  // namespace penstock::plan
