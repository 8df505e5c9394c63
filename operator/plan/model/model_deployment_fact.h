// Reads the objects of a ModelDeployment into the facts that its plan needs. What a container may
// have written is cut and escaped. Pure.
#pragma once

#include <optional>
#include <string>

#include "operator/base/json_fwd.h"
#include "operator/plan/model/world.h"

namespace penstock::plan {

// nullopt when the owner is not `md_uid` or the labels are not ours.
[[nodiscard]] std::optional<DeploymentFact> DecodeDeployment(const Json& deployment,
                                                             const std::string& md_uid);
[[nodiscard]] std::optional<ServingPodFact> DecodeServingPod(const Json& pod);
[[nodiscard]] std::optional<ServiceFact> DecodeService(const Json& service,
                                                       const std::string& md_uid);
// The version that a Service of VersionName is of; 0: it is none, or another's.
[[nodiscard]] std::int64_t DecodeVersionService(const Json& service, const std::string& md_uid);
// That Service has a port of gRPC, which releases before this one did not give it.
[[nodiscard]] bool HasGrpcPort(const Json& service);
// Ready endpoints, by version of the pod behind them.
[[nodiscard]] std::map<std::int64_t, int> CountEndpoints(const std::vector<Json>& slices,
                                                         const std::vector<ServingPodFact>& pods);
// What a ConfigMap says of the store; nullopt when it is not this ModelDeployment's.
[[nodiscard]] std::optional<std::string> DecodeStore(const Json& config_map,
                                                     const std::string& md_uid);

}  // namespace penstock::plan
