#include "components/router/grpc/endpoint.h"

#include <limits>
#include <set>
#include <string>
#include <utility>

namespace penstock::router {
namespace {

// Another scheme than the peer's ("ipv4:", "ipv6:"), as gRPC names the target where it knows no
// peer. No server of names is asked for an address.
constexpr const char* kTargetScheme = "dns:///";
constexpr int kMostServerMetadataBytes = 32 << 10;
// More often is taken for an attack by servers that are set up as gRPC sets them up.
constexpr int kPingServersMs = 330'000;
constexpr int kServersAnswerMs = 20'000;
constexpr int kFirstBackoffMs = 100;
constexpr int kMostBackoffMs = 1'000;

std::string TargetOf(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return kTargetScheme + (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" +
         std::to_string(endpoint.grpc_port);
}

}  // namespace

GrpcEndpoint::GrpcEndpoint(std::shared_ptr<LiveEndpoint> where, std::shared_ptr<grpc::Channel> to)
    : live(std::move(where)), channel(std::move(to)), stub(channel) {}

GrpcRouteBuilder::GrpcRouteBuilder(const Limits& limits, const grpc::ResourceQuota& quota) {
  arguments_.SetResourceQuota(quota);
  arguments_.SetMaxReceiveMessageSize(static_cast<int>(limits.grpc_message_bytes));
  arguments_.SetMaxSendMessageSize(-1);
  arguments_.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMostServerMetadataBytes);
  arguments_.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments_.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments_.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // An answer's compression would have to be told before its first message is known.
  arguments_.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1);
  arguments_.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  arguments_.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  arguments_.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMostBackoffMs);
  arguments_.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                    static_cast<int>(limits.connect_time.count()));  // a connection's time
  arguments_.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kPingServersMs);
  arguments_.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kServersAnswerMs);
}

std::shared_ptr<GrpcEndpoint> GrpcRouteBuilder::Of(const std::shared_ptr<LiveEndpoint>& endpoint) {
  auto& known = endpoints_[endpoint.get()];
  if (!known) {
    known = std::make_shared<GrpcEndpoint>(
        endpoint, grpc::CreateCustomChannel(TargetOf(endpoint->where),
                                            grpc::InsecureChannelCredentials(), arguments_));
  }
  return known;
}

std::shared_ptr<const GrpcRoutes> GrpcRouteBuilder::Build(const LiveRoutes& routes) {
  auto made = std::make_shared<GrpcRoutes>();
  std::set<const LiveEndpoint*> used;
  for (const auto& view : routes.deployments) {
    if (view->grpc_port == 0) continue;
    auto deployment = std::make_shared<GrpcDeployment>();
    deployment->view = view;
    for (const VersionView& version : view->versions) {
      GrpcEndpoints& endpoints = deployment->endpoints.emplace_back();
      for (const auto& endpoint : version.endpoints) {
        if (endpoint->where.grpc_port == 0) continue;
        endpoints.push_back(Of(endpoint));
        used.insert(endpoint.get());
      }
    }
    made->emplace(view->grpc_port, std::move(deployment));
  }
  // Calls that are under way keep theirs.
  std::erase_if(endpoints_, [&](const auto& one) { return !used.contains(one.first); });
  return made;
}

bool WasSent(const grpc::ClientContext& context) {
  const std::string peer = context.peer();
  return peer.starts_with("ipv4:") || peer.starts_with("ipv6:");
}

}  // namespace penstock::router
