// Accepts the gRPC server's connections, since gRPC's own listener knows no bound on their number.
// Internal to the gRPC server: includes gRPC.
#pragma once

#include <grpcpp/server_builder.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/result.h"

namespace penstock::serve {

class GrpcListener {
 public:
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

  // Port 0: any free one. Transient or Invalid names the address that could not be bound.
  [[nodiscard]] static Result<std::unique_ptr<GrpcListener>> Bind(const std::string& address,
                                                                  std::uint16_t port,
                                                                  std::size_t connections);
  ~GrpcListener();  // Stop()
  GrpcListener(const GrpcListener&) = delete;
  GrpcListener& operator=(const GrpcListener&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Begins to accept, on a thread of its own. Every connection is the acceptor's, but for those
  // beyond the bound, which are closed at once and told to `refused`.
  void Start(std::unique_ptr<Acceptor> acceptor, std::function<void()> refused);
  // Takes no more; what was accepted stays the acceptor's.
  void Stop();

 private:
  // A connection that gRPC owns. It is open while its descriptor still is this socket.
  struct Accepted {
    int descriptor = -1;
    dev_t device = 0;
    ino_t inode = 0;
    [[nodiscard]] bool IsOpen() const;
  };

  GrpcListener(int listener, int stop, std::uint16_t port, std::size_t connections);
  void Run();
  void Admit(int connection);
  [[nodiscard]] bool HasRoom();

  const int listener_;
  const int stop_;  // an eventfd
  const std::uint16_t port_;
  const std::size_t connections_;
  std::unique_ptr<Acceptor> acceptor_;
  std::function<void()> refused_;
  std::thread thread_;
  std::vector<Accepted> accepted_;                  // of the thread
  std::chrono::steady_clock::time_point looked_{};  // when for the last time, for those closed
};

}  // namespace penstock::serve
