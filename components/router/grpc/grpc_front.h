// The routers' gRPC: calls of any service are passed on to the servers of a version, by the same
// routes, weights, pins, holding, tokens and certificates as requests of HTTP, and are counted with
// them. A port for each ModelDeployment that has one (DeploymentRoute::grpc_port).
//
// gRPC's own threads do the work; one of ours looks at calls that wait. Nothing is begun before the
// first route that has a gRPC port. Needs gRPC, includes none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "components/router/proxy/front.h"
#include "components/router/proxy/limits.h"

namespace penstock::router {

struct GrpcOptions {
  std::string address = "0.0.0.0";
  Limits limits = {};
  std::size_t shard = 0;  // of statistics: the Router's number of threads
};

[[nodiscard]] std::unique_ptr<Front> MakeGrpcFront(const GrpcOptions& options);

}  // namespace penstock::router
