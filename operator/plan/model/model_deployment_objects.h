// Builds the objects of a ModelDeployment: a Deployment a version and the stable Service. Pure.
#pragma once

#include "operator/plan/model/world.h"

namespace penstock::plan {

// "<md>-v<N>".
[[nodiscard]] std::string VersionName(const std::string& md, std::int64_t version);

[[nodiscard]] Json BuildDeployment(const api::ModelDeployment& md, std::int64_t version,
                                   const ArtifactRef& model, const ModelSettings& settings);
// Of what the pods are made of: equal for equal templates, whatever the replicas.
[[nodiscard]] std::string TemplateHash(const Json& deployment);

[[nodiscard]] Json BuildService(const api::ModelDeployment& md, std::int64_t version);

}  // namespace penstock::plan
