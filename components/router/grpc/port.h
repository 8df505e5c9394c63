// One port of gRPC: its listener and the server behind it. Internal to the gRPC front: includes
// gRPC.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "components/grpc/listener.h"
#include "components/router/edge/server_tls.h"
#include "components/router/proxy/limits.h"
#include "operator/base/result.h"

namespace penstock::router {

class ShownCertificate;

class GrpcPort {
 public:
  // Who answers a call that came by a port; gRPC's rules for reactors. `secure`: it came by TLS.
  using Answer = std::function<grpc::ServerGenericBidiReactor*(grpc::GenericCallbackServerContext*,
                                                               std::uint16_t port, bool secure)>;
  struct Options {
    std::string address;
    std::uint16_t port = 0;
    std::shared_ptr<const ServerTls> tls;  // null: the port speaks none
    Limits limits;
    Answer answer;
    std::function<void()> turned_away;  // a connection beyond the bound
  };
  // Accepts when it returns. The quota is shared by all ports.
  [[nodiscard]] static Result<std::unique_ptr<GrpcPort>> Open(const Options& options,
                                                              const grpc::ResourceQuota& quota);
  ~GrpcPort();  // as End({})
  GrpcPort(const GrpcPort&) = delete;
  GrpcPort& operator=(const GrpcPort&) = delete;

  [[nodiscard]] bool secure() const { return certificate_ != nullptr; }
  // New connections are shown it; of a port that is secure.
  void Show(std::shared_ptr<const ServerTls> tls);

  void StopListening();
  [[nodiscard]] std::size_t connections() { return listener_->open(); }
  // Asks clients to go; calls have that long to end, and are cut off then. Blocks.
  void End(std::chrono::milliseconds limit);

 private:
  class Service;
  GrpcPort();

  std::shared_ptr<ShownCertificate> certificate_;  // null: not secure
  std::unique_ptr<Service> service_;
  std::unique_ptr<GrpcListener> listener_;
  std::unique_ptr<grpc::Server> server_;  // destroyed first
};

}  // namespace penstock::router
