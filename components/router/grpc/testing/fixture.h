// A router on loopback with a gRPC port, before servers that a test makes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "components/router/grpc/grpc_front.h"
#include "components/router/grpc/testing/doubles.h"
#include "components/router/proxy/testing/edge_fixture.h"

namespace penstock::router {

inline constexpr const char* kEcho = "/test.Service/Echo";
inline constexpr const char* kInfer = "/inference.GRPCInferenceService/ModelInfer";

class GrpcRouter : public Edge {
 protected:
  GrpcRouter() { route_.grpc_port = FreePort(); }

  void Route(std::vector<VersionRoute> versions) {
    if (!router_) {
      front_ = MakeGrpcFront(
          {options_.address, options_.limits, static_cast<std::size_t>(options_.threads)});
      options_.front = front_;
    }
    Use(std::move(versions));
    const auto picture = router_->Look();
    ASSERT_TRUE(picture.not_listening.empty()) << picture.not_listening.begin()->second;
  }
  // One version with all the weight.
  void Serve(const std::vector<const GrpcDouble*>& servers) {
    VersionRoute version{.version = 1, .weight = kWhole};
    for (const GrpcDouble* server : servers) version.endpoints.push_back(server->endpoint());
    Route({version});
  }

  [[nodiscard]] std::shared_ptr<grpc::Channel> Channel() {
    if (!channel_) channel_ = NewChannel();
    return channel_;
  }
  [[nodiscard]] std::shared_ptr<grpc::Channel> NewChannel(
      const std::shared_ptr<grpc::ChannelCredentials>& credentials =
          grpc::InsecureChannelCredentials()) const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetSslTargetNameOverride("localhost");
    arguments.SetMaxReceiveMessageSize(-1);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(route_.grpc_port), credentials,
                                     arguments);
  }
  struct Asked {
    std::multimap<std::string, std::string> metadata = {};
    std::chrono::milliseconds deadline{120'000};
    grpc_compression_algorithm compression = GRPC_COMPRESS_NONE;
  };
  // The answer to one message.
  Answered Call(const std::string& method, const std::string& message) {
    return Call(method, message, Asked());
  }
  Answered Call(const std::string& method, const std::string& message, const Asked& asked,
                grpc::ClientContext* own = nullptr) {
    grpc::ClientContext made;
    grpc::ClientContext* const context = own != nullptr ? own : &made;
    for (const auto& [key, value] : asked.metadata) context->AddMetadata(key, value);
    context->set_deadline(std::chrono::system_clock::now() + asked.deadline);
    if (asked.compression != GRPC_COMPRESS_NONE)
      context->set_compression_algorithm(asked.compression);
    grpc::GenericStub stub(Channel());
    grpc::CompletionQueue queue;
    auto reader = stub.PrepareUnaryCall(context, method, BufferOf(message), &queue);
    reader->StartCall();
    Answered answered;
    grpc::ByteBuffer buffer;
    reader->Finish(&buffer, &answered.status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok) && ok);
    answered.message = TextOf(buffer);
    return answered;
  }

  std::shared_ptr<Front> front_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace penstock::router
