// Where a gRPC server's connections come from. Internal to gRPC servers: includes gRPC.
//
//   listener.cc        accepts them itself, since gRPC's own listener knows no bound on their
//                      number; hands them over by gRPC's experimental acceptor
//   listener_plain.cc  gRPC's own listener, without a bound (PENSTOCK_GRPC_ACCEPTOR=OFF)
#pragma once

#include <grpcpp/server_builder.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace penstock {

class GrpcListener {
 public:
  // Port 0: any free one. Transient or Invalid names the address that could not be bound.
  [[nodiscard]] static Result<std::unique_ptr<GrpcListener>> Bind(const std::string& address,
                                                                  std::uint16_t port,
                                                                  std::size_t connections);
  virtual ~GrpcListener() = default;  // Stop()

  [[nodiscard]] virtual std::uint16_t port() const = 0;
  // Makes it the builder's; before the server is built. The credentials are what clients are asked
  // for, and shown.
  virtual void AddTo(grpc::ServerBuilder* builder,
                     const std::shared_ptr<grpc::ServerCredentials>& credentials) = 0;
  // Begins to accept. Connections beyond the bound are closed at once and told to `refused`.
  virtual void Start(std::function<void()> refused) = 0;
  // Takes no more; what was accepted stays the server's.
  virtual void Stop() = 0;
  // Connections that were taken and are not closed yet; 0 where gRPC takes them. Any thread.
  [[nodiscard]] virtual std::size_t open() = 0;
};

}  // namespace penstock
