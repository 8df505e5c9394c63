// The gRPC side over real sockets, with a client of the same protocol.
#include "components/serve/grpc/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>
#include <thread>

#include "components/serve/grpc/inference.grpc.pb.h"
#include "components/serve/testing/fake_model.h"

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

// A client that sends what the test says and nothing else: frames of HTTP/2 (RFC 9113).
class RawClient {
 public:
  explicit RawClient(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(const std::string& bytes) const {
    (void)send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void Begin() const { Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, "")); }
  // The head of a ModelInfer call, and the first bytes of a longer message.
  void SendPartOfACall() const {
    Send(Head() + Frame(0, 0, 1, std::string("\0\0\0\1\0", 5) + "half"));
  }
  // A whole one whose answer this client never takes: it leaves it no window.
  void SendACallAndTakeNothing(const std::string& message) const {
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6)));
    const std::string size = {'\0', '\0', '\0', static_cast<char>(message.size() >> 8),
                              static_cast<char>(message.size())};
    Send(Head() + Frame(0, 1, 1, size + message));
  }

  // Whether the server closes within this time.
  [[nodiscard]] bool IsClosed(std::chrono::milliseconds limit) const {
    const auto end = std::chrono::steady_clock::now() + limit;
    pollfd waited{socket_, POLLIN, 0};
    char bytes[4096];
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      if (poll(&waited, 1, std::max(0, static_cast<int>(left.count()))) == 0) return false;
      if (recv(socket_, bytes, sizeof(bytes), 0) <= 0) return true;
    }
  }

 private:
  static std::string Sized(const std::string& text) {
    return std::string(1, static_cast<char>(text.size())) + text;
  }
  static std::string Head() {
    std::string block;
    for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
             {":method", "POST"},
             {":scheme", "http"},
             {":path", "/inference.GRPCInferenceService/ModelInfer"},
             {":authority", "h"},
             {"content-type", "application/grpc"},
             {"te", "trailers"}}) {
      for (const std::string& text : {std::string(1, '\0') + Sized(name), Sized(value)})
        block += text;
    }
    return Frame(1, 4, 1, block);
  }
  static std::string Frame(char type, char flags, char stream, const std::string& payload) {
    const std::string size = {'\0', static_cast<char>(payload.size() >> 8),
                              static_cast<char>(payload.size())};
    return size + type + flags + std::string(3, '\0') + stream + payload;
  }

  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

constexpr std::chrono::seconds kLong{20};

class GrpcServerTest : public testing::Test {
 protected:
  GrpcServerTest() { Start({}); }
  ~GrpcServerTest() override { inference_.Stop(); }

  void Start(GrpcLimits limits, std::shared_ptr<ByteBudget> bodies = nullptr,
             Tracer* tracer = nullptr) {
    GrpcServer::Options options{.address = "127.0.0.1", .limits = limits, .server_version = "1.0"};
    if (bodies) options.bodies = std::move(bodies);
    auto started = GrpcServer::Start(options, &inference_, &clock_, &metrics_, tracer);
    ASSERT_TRUE(started);
    server_ = std::move(*started);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                   grpc::InsecureChannelCredentials());
    stub_ = inference::GRPCInferenceService::NewStub(channel_);
  }

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

  // As Request({0}), with these bytes for its two elements: wrong, but only when it is looked at.
  static inference::ModelInferRequest RawRequest(std::size_t bytes) {
    auto request = Request({0});
    request.mutable_inputs(0)->clear_contents();
    request.add_raw_input_contents(std::string(bytes, '\0'));
    return request;
  }

  grpc::Status Infer(const inference::ModelInferRequest& request,
                     inference::ModelInferResponse* response,
                     grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    context.set_compression_algorithm(compression);
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

TEST_F(GrpcServerTest, InflatesWhatAClientCompresses) {
  Publish();
  inference::ModelInferResponse response;
  for (const auto compression : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    const auto status = Infer(Request(std::vector<float>(100, 1.5F)), &response, compression);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.outputs(0).contents().fp32_contents(99), 3);
  }
}

TEST_F(GrpcServerTest, InflatesNoMoreThanAMessageMayHave) {
  Start({.message_bytes = 100'000});
  Publish();
  inference::ModelInferResponse response;
  for (const auto compression : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    const auto status = Infer(RawRequest(10'000'000), &response, compression);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("larger than 100000 bytes"));
  }
}

TEST_F(GrpcServerTest, TakesNoLongMessageWhereANameWouldDo) {
  const auto ask = [&](std::size_t size) {
    inference::ModelReadyRequest request;
    request.set_name(std::string(size, 'm'));
    grpc::ClientContext context;
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    inference::ModelReadyResponse response;
    return stub_->ModelReady(&context, request, &response).error_code();
  };
  EXPECT_EQ(ask(1000), StatusCode::OK);  // and says that it is not ready
  EXPECT_EQ(ask(20'000), StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcServerTest, TakesAMessageAsLargeAsItMayBe) {
  Start({.message_bytes = 8 << 20}, std::make_shared<ByteBudget>(8 << 20));
  Publish();
  inference::ModelInferResponse response;
  const auto status = Infer(RawRequest((8 << 20) - 1000), &response);
  EXPECT_THAT(status.error_message(), HasSubstr("binary data has 8387608 bytes"));
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcServerTest, RefusesWhatWouldTakeTooMuchMemory) {
  Start({}, std::make_shared<ByteBudget>(100'000));
  Publish();
  inference::ModelInferResponse response;
  auto status = Infer(RawRequest(100'000), &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("too much memory"));
#ifdef PENSTOCK_GRPC_WEIGHTS
  inference::ModelInferRequest many;  // 20,000 bytes, and megabytes of objects
  for (int i = 0; i < 10'000; ++i) many.add_inputs();
  status = Infer(many, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("too much memory"));
#endif
}

TEST_F(GrpcServerTest, HoldsNoMoreRequestsThanThereIsRoomFor) {
  const auto bodies = std::make_shared<ByteBudget>(100'000);
  Start({}, bodies);
  Publish();
  inference::ModelInferResponse response;
  {
    ByteBudget::Share other(bodies.get());
    ASSERT_TRUE(other.Hold(99'990));
    const auto status = Infer(Request({1}), &response);
    EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("too many requests at once"));
  }
  EXPECT_TRUE(Infer(Request({1}), &response).ok());
  while (bodies->held() > 0) std::this_thread::yield();  // the answer's, until it has gone
}

#ifdef PENSTOCK_GRPC_ACCEPTOR
TEST_F(GrpcServerTest, BoundsItsConnections) {
  Start({.connections = 2});
  {
    const RawClient first(server_->port());
    const RawClient second(server_->port());
    first.Begin();
    second.Begin();
    const RawClient third(server_->port());
    third.Begin();
    EXPECT_TRUE(third.IsClosed(kLong));
    EXPECT_FALSE(first.IsClosed(std::chrono::milliseconds(100)));
    EXPECT_THAT(metrics_.Text(), HasSubstr(R"({code="503",operation="none"} 1)"));
  }
  Publish();
  inference::ModelInferResponse response;
  // Two have left: there is room once gRPC has noticed, which a client that waits does not see.
  grpc::ClientContext patient;
  patient.set_wait_for_ready(true);
  patient.set_deadline(std::chrono::system_clock::now() + kLong);
  const auto status = stub_->ModelInfer(&patient, Request({1}), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}
#endif

TEST_F(GrpcServerTest, ClosesWhatNeverSpeaks) {
  Start({.handshake_time = std::chrono::milliseconds(100)});
  EXPECT_TRUE(RawClient(server_->port()).IsClosed(kLong));
}

TEST_F(GrpcServerTest, ClosesWhatAsksForNothing) {
  Start({.idle = std::chrono::milliseconds(100)});
  const RawClient client(server_->port());
  client.Begin();
  EXPECT_TRUE(client.IsClosed(kLong));
}

TEST_F(GrpcServerTest, GivesUpClientsThatStall) {
  Start({.age = std::chrono::milliseconds(100), .grace = std::chrono::milliseconds(200)});
  Publish();
  const RawClient client(server_->port());
  client.Begin();
  client.SendPartOfACall();
  EXPECT_TRUE(client.IsClosed(kLong));
}

TEST_F(GrpcServerTest, HoldsAnAnswerOnlyAWhileForAClientThatDoesNotTakeIt) {
  constexpr std::chrono::milliseconds kLimit{300};
  const auto bodies = std::make_shared<ByteBudget>(100'000);
  Start({.write_time = kLimit}, bodies);
  Publish();
  const auto begin = std::chrono::steady_clock::now();
  const RawClient client(server_->port());
  client.SendACallAndTakeNothing(Request({1}).SerializeAsString());
  while (model_->batches().empty()) std::this_thread::yield();
  while (bodies->held() > 0 && std::chrono::steady_clock::now() < begin + kLong)
    std::this_thread::yield();
  EXPECT_EQ(bodies->held(), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kLimit);
}

TEST_F(GrpcServerTest, WaitsForAClientThatIsSlow) {
  const RawClient client(server_->port());
  client.Begin();
  client.SendPartOfACall();
  EXPECT_FALSE(client.IsClosed(std::chrono::milliseconds(500)));
}

TEST_F(GrpcServerTest, TracesWhatACallAskedFor) {
  std::string spans;
  {
    Tracer tracer({.ratio = 1}, [&](const std::string& body) {
      spans += body;
      return Result<void>();
    });
    Start({}, nullptr, &tracer);
    Publish();
    auto request = Request({1, 2});
    request.set_model_version("3");
    inference::ModelInferResponse response;
    EXPECT_TRUE(Infer(request, &response).ok());
    server_.reset();
  }
  for (const char* said : {R"("grpc")", R"("m")", R"("3")", R"("intValue":"200")"})
    EXPECT_THAT(spans, HasSubstr(said));
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
