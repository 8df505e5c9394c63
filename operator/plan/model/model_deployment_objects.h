// Builds the objects of a ModelDeployment: a Deployment a version, the stable Service, and where
// the store is. Pure.
#pragma once

#include "operator/plan/model/world.h"

namespace penstock::plan {

// "<md>-v<N>".
[[nodiscard]] std::string VersionName(const std::string& md, std::int64_t version);
// "<md>-store".
[[nodiscard]] std::string StoreName(const std::string& md);

[[nodiscard]] Json BuildDeployment(const api::ModelDeployment& md, std::int64_t version,
                                   const ModelRef& model, const ModelSettings& settings);

// Of what the spec says about pods, and of nothing that belongs to this release of the operator:
// while it is equal, a version's pods stay as the release made them that they came from. A field
// that is added later counts only where it says something, so that no hash changes.
[[nodiscard]] std::string TemplateHash(const api::ModelDeployment& md);

// rollout.progressDeadline as a Deployment has it.
[[nodiscard]] std::int64_t DeadlineSeconds(const api::ModelDeployment& md);

// Where the Service's port of gRPC leads to: a port's name or number.
[[nodiscard]] Json GrpcTarget(const api::ModelDeployment& md, bool to_routers);

// The Service that clients know, of a stable version: to its pods, or to the routers, where
// status.router.port is; there under TLS where the spec says so.
[[nodiscard]] Json BuildService(const api::ModelDeployment& md, std::int64_t version,
                                bool to_routers = false);
// VersionName: without an address, to the pods of a version. Its EndpointSlices carry its labels,
// by which routers know the version's endpoints.
[[nodiscard]] Json BuildVersionService(const api::ModelDeployment& md, std::int64_t version);

// MadeOf says what they were made of. The route needs expose.gateway: it leads to the Service, with
// its path's prefix taken off.
[[nodiscard]] Json BuildRoute(const api::ModelDeployment& md);
// For the stable version as status has it; before there is one for all servers.
[[nodiscard]] Json BuildDisruptionBudget(const api::ModelDeployment& md);

// Where the servers find the store. It is no part of their template: a new address or authority
// reaches them as a file that changes.
[[nodiscard]] Json BuildStore(const api::ModelDeployment& md, const ModelSettings& settings);
[[nodiscard]] std::string StoreText(const ModelSettings& settings);

}  // namespace penstock::plan
