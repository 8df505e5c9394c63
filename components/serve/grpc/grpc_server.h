// GrpcServer: the V2 protocol over gRPC (inference.GRPCInferenceService), and gRPC's own health
// service. Owns gRPC's threads; no gRPC header leaves its .cc files.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "components/serve/engine/inference.h"
#include "components/serve/telemetry/tracer.h"
#include "operator/base/byte_budget.h"
#include "operator/base/result.h"

namespace penstock::serve {

struct GrpcLimits {
  std::size_t connections = 1024;
  std::uint64_t message_bytes = 64ULL << 20;
  std::chrono::milliseconds handshake_time{10'000};
  std::chrono::milliseconds write_time{30'000};  // until the client has taken its answer
  std::chrono::milliseconds idle{75'000};        // without a call
  // A connection of this age, give or take a tenth, is told to go (GOAWAY), and its calls that have
  // not ended `grace` later are cut off: nobody stalls in the middle of a message for ever.
  std::chrono::milliseconds age{300'000};
  std::chrono::milliseconds grace{300'000};
};

class GrpcServer {
 public:
  struct Options {
    std::string address = "0.0.0.0";
    std::uint16_t port = 0;  // 0: any free one
    GrpcLimits limits = {};
    // What requests and answers count for; may be shared with other servers. Messages that are not
    // yet complete are gRPC's, which may hold as much once more: beyond it, about, it ends calls
    // (RESOURCE_EXHAUSTED) and connections.
    std::shared_ptr<ByteBudget> bodies = std::make_shared<ByteBudget>(256ULL << 20);
    std::string server_version = {};
    int aside_threads = 1;  // for large and compressed messages
  };

  // All must outlive the server; the tracer may be null. Transient or Invalid names the address
  // that could not be bound.
  [[nodiscard]] static Result<std::unique_ptr<GrpcServer>> Start(const Options& options,
                                                                 Inference* inference,
                                                                 const Clock* clock,
                                                                 Metrics* metrics, Tracer* tracer);
  ~GrpcServer();  // Stop(0)

  [[nodiscard]] std::uint16_t port() const;
  // What the health service says.
  void SetReady(bool ready);
  // Tells the clients to go (GOAWAY), takes no new calls, waits for those that run and cancels what
  // is left after `limit`.
  void Stop(std::chrono::milliseconds limit);

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::serve
