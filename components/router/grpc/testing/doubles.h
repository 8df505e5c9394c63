// A gRPC server that does what the method's name says, and a client that waits for each operation.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "components/router/routing/route_table.h"

namespace penstock::router {

[[nodiscard]] grpc::ByteBuffer BufferOf(const std::string& text);
[[nodiscard]] std::string TextOf(const grpc::ByteBuffer& buffer);

// By the last part of the method's name:
//   Echo, ModelInfer, ModelReady, Check   each message is answered "NAME MESSAGE"
//   Chat                          the same, as it comes
//   Greet                         "NAME" before any message is read; then as Chat
//   Count                         as many messages as the request says
//   Collect                       the number of messages, once there are no more
//   Fail                          PERMISSION_DENIED, with details and trailers
//   Full                          RESOURCE_EXHAUSTED
//   Hang                          nothing until the call is cancelled
// Anything else is UNIMPLEMENTED.
class GrpcDouble : private grpc::CallbackGenericService {
 public:
  explicit GrpcDouble(std::string name, int port = 0);
  ~GrpcDouble() override;
  // An endpoint whose HTTP port is nobody's.
  [[nodiscard]] Endpoint endpoint() const;
  [[nodiscard]] std::multimap<std::string, std::string> metadata();  // of the last call
  [[nodiscard]] std::string last_message();
  // Calls that have ended and whose client had said that no more messages come, and was there.
  [[nodiscard]] int completed();
  // Waits, 20 s at most, until there are so many; false: there are others.
  [[nodiscard]] bool WaitCompleted(int calls);
  [[nodiscard]] std::chrono::system_clock::time_point deadline();  // of the last call

  const std::string name;
  int port = 0;
  std::atomic<int> calls{0};
  std::atomic<int> cancelled{0};

 private:
  class Reactor;
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  std::mutex mutex_;
  std::condition_variable ended_;
  int completed_ = 0;
  std::multimap<std::string, std::string> metadata_;
  std::string last_message_;
  std::chrono::system_clock::time_point deadline_;
  std::unique_ptr<grpc::Server> server_;
};

// One call, an operation at a time.
class Talk {
 public:
  Talk(const std::shared_ptr<grpc::Channel>& channel, const std::string& method)
      : stub_(channel), method_(method) {}
  ~Talk();
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  bool Start();
  bool Write(const std::string& message);
  bool WritesDone();
  [[nodiscard]] std::optional<std::string> Read();
  [[nodiscard]] bool ReadHead();
  [[nodiscard]] grpc::Status Finish();

  grpc::ClientContext context;

 private:
  bool Wait();
  grpc::GenericStub stub_;
  const std::string method_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

struct Answered {
  grpc::Status status;
  std::string message;
};

}  // namespace penstock::router
