// The routes in use as gRPC's calls need them: a channel for each server that answers gRPC.
// Internal to the gRPC front: includes gRPC.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "components/router/proxy/limits.h"
#include "components/router/proxy/live_routes.h"

namespace penstock::router {

// A server's gRPC port. It connects with the first call, again and again where it fails, and is an
// outlier by its own doing: what the server's HTTP does says nothing of it.
struct GrpcEndpoint : Outlier {
  GrpcEndpoint(std::shared_ptr<LiveEndpoint> where, std::shared_ptr<grpc::Channel> to);
  const std::shared_ptr<LiveEndpoint> live;  // its requests under way are those of both protocols
  const std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  [[nodiscard]] int under_way() const { return live->under_way(); }
};
using GrpcEndpoints = std::vector<std::shared_ptr<GrpcEndpoint>>;

struct GrpcDeployment {
  std::shared_ptr<const DeploymentView> view;
  std::vector<GrpcEndpoints> endpoints;  // of each of view->versions

  // No server of the version answers gRPC, though some are Ready: waiting would not help.
  [[nodiscard]] bool SpeaksNoGrpc(std::size_t version) const {
    return endpoints[version].empty() && !view->versions[version].endpoints.empty();
  }
};

// By the port that clients call.
using GrpcRoutes = std::map<std::uint16_t, std::shared_ptr<const GrpcDeployment>>;

// Makes each GrpcRoutes, with the channels of the one before. One thread at a time.
class GrpcRouteBuilder {
 public:
  // `quota`: of all channels.
  GrpcRouteBuilder(const Limits& limits, const grpc::ResourceQuota& quota);
  [[nodiscard]] std::shared_ptr<const GrpcRoutes> Build(const LiveRoutes& routes);

 private:
  [[nodiscard]] std::shared_ptr<GrpcEndpoint> Of(const std::shared_ptr<LiveEndpoint>& endpoint);

  grpc::ChannelArguments arguments_;
  std::map<const LiveEndpoint*, std::shared_ptr<GrpcEndpoint>> endpoints_;
};

// Whether a call to that server was handed to a connection: its peer is known from then on.
[[nodiscard]] bool WasSent(const grpc::ClientContext& context);

}  // namespace penstock::router
