// The gRPC side over real sockets, with a client of the same protocol.
#include "components/serve/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include "components/serve/fake_model.h"
#include "components/serve/inference.grpc.pb.h"

namespace penstock::serve {
namespace {

using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

// The system's, and what a test adds to it.
class MovedClock : public SystemClock {
 public:
  [[nodiscard]] SteadyTime Steady() const override {
    return SystemClock::Steady() + std::chrono::hours(hours);
  }
  std::atomic<int> hours{0};
};

class GrpcServerTest : public testing::Test {
 protected:
  GrpcServerTest() {
    auto started = GrpcServer::Start({.address = "127.0.0.1", .server_version = "1.0"}, &inference_,
                                     &clock_, &metrics_, nullptr);
    EXPECT_TRUE(started);
    server_ = std::move(*started);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                   grpc::InsecureChannelCredentials());
    stub_ = inference::GRPCInferenceService::NewStub(channel_);
  }
  ~GrpcServerTest() override { inference_.Stop(); }

  void Publish() { inference_.Publish({"m", "3"}, model_); }

  static inference::ModelInferRequest Request(const std::vector<float>& rows) {
    inference::ModelInferRequest request;
    request.set_model_name("m");
    request.set_id("abc");
    auto* input = request.add_inputs();
    input->set_name("x");
    input->set_datatype("FP32");
    input->add_shape(static_cast<std::int64_t>(rows.size()));
    input->add_shape(1);
    for (float value : rows) input->mutable_contents()->add_fp32_contents(value);
    return request;
  }

  grpc::Status Infer(const inference::ModelInferRequest& request,
                     inference::ModelInferResponse* response,
                     std::chrono::milliseconds limit = std::chrono::seconds(30)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    return stub_->ModelInfer(&context, request, response);
  }

  MovedClock clock_;
  Metrics metrics_;
  std::shared_ptr<DoublingModel> model_ = std::make_shared<DoublingModel>();
  Inference inference_{{.model_name = "m", .model_version = "3"}, &clock_, &metrics_};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

TEST_F(GrpcServerTest, IsReadyOnlyWithAModel) {
  const auto ready = [&] {
    grpc::ClientContext context;
    inference::ServerReadyResponse response;
    EXPECT_TRUE(stub_->ServerReady(&context, {}, &response).ok());
    return response.ready();
  };
  EXPECT_FALSE(ready());
  inference::ModelInferResponse response;
  EXPECT_EQ(Infer(Request({1}), &response).error_code(), StatusCode::UNAVAILABLE);
  Publish();
  EXPECT_TRUE(ready());
  inference_.BeginDrain();
  EXPECT_FALSE(ready());
  grpc::ClientContext context;
  inference::ServerLiveResponse live;
  EXPECT_TRUE(stub_->ServerLive(&context, {}, &live).ok());
  EXPECT_TRUE(live.live());
}

TEST_F(GrpcServerTest, DescribesItsModel) {
  Publish();
  grpc::ClientContext context;
  inference::ModelMetadataRequest request;
  request.set_name("m");
  inference::ModelMetadataResponse response;
  ASSERT_TRUE(stub_->ModelMetadata(&context, request, &response).ok());
  EXPECT_THAT(response.versions(), ElementsAre("3"));
  EXPECT_EQ(response.inputs(0).datatype(), "FP32");
  EXPECT_THAT(response.inputs(0).shape(), ElementsAre(-1, 1));
  request.set_version("4");
  grpc::ClientContext other;
  EXPECT_EQ(stub_->ModelMetadata(&other, request, &response).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(GrpcServerTest, InfersFromContents) {
  Publish();
  inference::ModelInferResponse response;
  const auto status = Infer(Request({1, 2.5}), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.model_name(), "m");
  EXPECT_EQ(response.model_version(), "3");
  EXPECT_EQ(response.id(), "abc");
  EXPECT_EQ(response.outputs(0).name(), "y");
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(2, 1));
  EXPECT_THAT(response.outputs(0).contents().fp32_contents(), ElementsAre(2, 5));
  EXPECT_EQ(response.raw_output_contents_size(), 0);
}

TEST_F(GrpcServerTest, InfersFromRawContentsAndAnswersRaw) {
  Publish();
  auto request = Request({0, 0});
  request.mutable_inputs(0)->clear_contents();
  const float values[2] = {1.5F, -2};
  request.add_raw_input_contents(values, sizeof(values));
  inference::ModelInferResponse response;
  const auto status = Infer(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.raw_output_contents_size(), 1);
  float answers[2];
  ASSERT_EQ(response.raw_output_contents(0).size(), sizeof(answers));
  std::memcpy(answers, response.raw_output_contents(0).data(), sizeof(answers));
  EXPECT_THAT(answers, ElementsAre(3, -4));
  EXPECT_FALSE(response.outputs(0).has_contents());
}

TEST_F(GrpcServerTest, BlamesTheClientForWhatItSends) {
  Publish();
  inference::ModelInferResponse response;
  const auto refused = [&](const inference::ModelInferRequest& request, const char* why) {
    const auto status = Infer(request, &response);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(why));
  };
  auto request = Request({1, 2});
  request.mutable_inputs(0)->set_shape(0, 3);
  refused(request, "input 'x': contents have 2 elements of FP32, shape [3, 1] has 3");
  request.mutable_inputs(0)->set_shape(0, -1);
  refused(request, "negative dimension");
  request.mutable_inputs(0)->set_shape(0, std::numeric_limits<std::int64_t>::max());
  request.mutable_inputs(0)->set_shape(1, 64);
  refused(request, "too many elements");
  request = Request({1});
  request.mutable_inputs(0)->set_datatype("FP8");
  refused(request, "unknown datatype 'FP8'");
  request = Request({1});
  request.add_raw_input_contents("1234");
  refused(request, "both contents and raw_input_contents");
  request = Request({666});
  refused(request, "poison");
  request = Request({1});
  request.set_model_name("other");
  EXPECT_EQ(Infer(request, &response).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(GrpcServerTest, NeverComputesWhatWaitedTooLong) {
  std::promise<void> entered;
  std::promise<void> released;
  std::atomic<bool> held{false};
  model_->before_run = [&] {
    if (held.exchange(true)) return;
    entered.set_value();
    released.get_future().wait();
  };
  Publish();
  const auto call = [&](float value) {
    return std::async(std::launch::async, [this, value] {
      inference::ModelInferResponse response;
      return Infer(Request({value}), &response);
    });
  };
  auto first = call(1);
  entered.get_future().wait();
  auto second = call(666);
  while (inference_.served()->pool.queued() == 0) std::this_thread::yield();
  clock_.hours = 1;  // beyond the client's deadline of 30 s
  released.set_value();
  EXPECT_EQ(second.get().error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(first.get().ok());
  EXPECT_THAT(model_->batches(), ElementsAre(1));
}

TEST_F(GrpcServerTest, FinishesWhatRunsWhenItStops) {
  std::promise<void> entered;
  std::promise<void> released;
  model_->before_run = [&] {
    entered.set_value();
    released.get_future().wait();
  };
  Publish();
  auto running = std::async(std::launch::async, [&] {
    inference::ModelInferResponse response;
    return Infer(Request({1}), &response);
  });
  entered.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { server_->Stop(std::chrono::seconds(30)); });
  released.set_value();
  EXPECT_TRUE(running.get().ok());
  stopped.get();
}

}  // namespace
}  // namespace penstock::serve
