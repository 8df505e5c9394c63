#include "components/serve/grpc/grpc_server.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <utility>

#include "components/grpc/listener.h"
#include "components/serve/engine/failure.h"
#include "components/serve/grpc/grpc_codec.h"
#include "components/serve/grpc/inference.grpc.pb.h"
#include "components/serve/grpc/wire_message.h"
#include "components/serve/host/aside_threads.h"
#include "components/serve/protocol/http.h"

namespace penstock::serve {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

grpc::StatusCode CodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kTooLarge:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorKind::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorKind::kOverloaded:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorKind::kGone:
      return grpc::StatusCode::CANCELLED;
    case ErrorKind::kTransient:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorKind::kDeadline:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    default:
      return grpc::StatusCode::INTERNAL;
  }
}

std::string Metadata(const CallbackServerContext& context, const char* name) {
  const auto found = context.client_metadata().find(name);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

Error TooManyRequests() {
  Error error = Transient("the server holds too many requests at once");
  error.retry_after = std::chrono::seconds(1);
  return error;
}

// What every call needs.
struct Host {
  const GrpcServer::Options options;
  Inference* const inference;
  const Clock* const clock;
  Metrics* const metrics;
  Tracer* const tracer;
  AsideThreads* const aside;
};

// The message that came; gRPC's own copy is freed. Invalid where it is none, Transient where what
// it takes is more than there is.
template <typename Message>
Result<void> Receive(const Host& host, grpc::ByteBuffer* wire, std::uint64_t limit,
                     ByteBudget::Share* held, Message* message) {
  auto content = WireMessage::Take(wire, limit);
  if (!content) return content.error();
  const std::uint64_t bytes = content->BudgetBytes();
  if (bytes > host.options.bodies->most()) {
    return Invalid(
        "the message takes too much memory once it is decoded; send raw_input_contents, "
        "or fewer rows");
  }
  if (!held->Hold(bytes)) return TooManyRequests();
  if (!content->Parse(message)) return Invalid("the message is no protobuf of its kind");
  return {};
}

template <typename Message>
bool Send(const Message& message, grpc::ByteBuffer* wire) {
  bool own = false;
  return grpc::SerializationTraits<Message>::Serialize(message, wire, &own).ok();
}

// Ends a call whose client does not take its answer, which would be held, and counted, meanwhile.
class AnswerLimit {
 public:
  void Begin(CallbackServerContext* context, std::chrono::milliseconds limit) {
    call_->context = context;
    alarm_.Set(std::chrono::system_clock::now() + limit, [call = call_](bool late) {
      const std::lock_guard lock(call->mutex);
      if (late && call->context != nullptr) call->context->TryCancel();
    });
  }
  // The context is about to go.
  void End() {
    const std::lock_guard lock(call_->mutex);
    call_->context = nullptr;
  }

 private:
  struct Call {
    std::recursive_mutex mutex;  // to cancel may end the call at once
    CallbackServerContext* context = nullptr;
  };
  const std::shared_ptr<Call> call_ = std::make_shared<Call>();
  grpc::Alarm alarm_;
};

// One ModelInfer call; deletes itself when gRPC is done with it.
class InferCallReactor : public ServerUnaryReactor {
 public:
  InferCallReactor(const Host& host, CallbackServerContext* context, grpc::ByteBuffer* request,
                   grpc::ByteBuffer* response)
      : host_(host),
        context_(*context),
        request_wire_(request),
        response_wire_(response),
        held_(host.options.bodies.get()) {
    begin_ = host_.clock->Steady();
    time_left_ = TimeLeft();
    if (host_.tracer != nullptr) trace_ = host_.tracer->Begin(Metadata(context_, "traceparent"));
  }

  // Large messages are read aside, as HTTP's are: gRPC's few threads would answer nobody meanwhile.
  void Start() {
    if (WireMessage::TakesLong(request_wire_)) return host_.aside->Post([this] { Run(); });
    Run();
  }

  void OnCancel() override { *cancelled_ = true; }
  void OnDone() override {
    limit_.End();
    delete this;
  }

 private:
  void Run() {
    try {
      Infer();
    } catch (const std::bad_alloc&) {
      Fail(TooManyRequests());
    }
  }

  void Infer() {
    if (*cancelled_) return Fail(Failure(ErrorKind::kGone, "the client has gone"));
    // protobuf counts in int.
    const auto limit = std::min<std::uint64_t>(host_.options.limits.message_bytes,
                                               std::numeric_limits<int>::max());
    if (auto received = Receive(host_, request_wire_, limit, &held_, &request_); !received)
      return Fail(received.error());
    auto served = host_.inference->Find(request_.model_name(), request_.model_version());
    if (!served) return Fail(served.error());
    auto decoded = FromMessage(request_);
    if (!decoded) return Fail(decoded.error());
    const ServedModel* model = served->get();  // outlives what waits in its queue
    InferCall call{std::move(*decoded), begin_, time_left_, cancelled_};
    host_.inference->Infer(*served, std::move(call), [this, model](Result<InferAnswer> answer) {
      if (!answer) return Fail(answer.error());
      Answer(*model, *answer);
    });
  }

  void Fail(const Error& error) {
    if (error.retry_after) {
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*error.retry_after).count();
      context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(ms));
    }
    Conclude(StatusOf(error.kind), {}, 0);
    Finish({CodeOf(error.kind), error.message});
  }

  [[nodiscard]] std::optional<std::chrono::microseconds> TimeLeft() const {
    if (context_.deadline() == std::chrono::system_clock::time_point::max()) return std::nullopt;
    const auto left = context_.deadline() - host_.clock->Now();
    return std::max(std::chrono::microseconds(1),
                    std::chrono::duration_cast<std::chrono::microseconds>(left));
  }

  void Answer(const ServedModel& model, const InferAnswer& answer) {
    inference::ModelInferResponse response;
    ToMessage(model.identity, answer.id, answer.outputs, IsRaw(request_), &response);
    request_.clear_inputs();  // while the answer is on its way
    request_.clear_raw_input_contents();
    held_.Count(response.ByteSizeLong());
    if (!Send(response, response_wire_))
      return Fail(Internal("the answer is too large for a message"));
    host_.inference->Answered(model, answer, begin_);
    Conclude(200, answer.parts, answer.rows);
    limit_.Begin(&context_, host_.options.limits.write_time);
    Finish(grpc::Status::OK);
  }

  // `status` as HTTP would have it: metrics and spans know one set of numbers for both protocols.
  void Conclude(int status, const Statistics::Parts& parts, std::int64_t rows) {
    host_.metrics->CountRequest("infer", status);
    if (!trace_) return;
    TracedRequest traced;
    traced.name = "infer";
    traced.protocol = "grpc";
    traced.model = request_.model_name();
    traced.version = request_.model_version();
    traced.status = status;
    traced.end = host_.clock->Now();
    traced.total = host_.clock->Steady() - begin_;
    traced.input = parts.input;
    traced.queue = parts.queue;
    traced.compute = parts.compute;
    traced.rows = rows;
    host_.tracer->End(*trace_, traced);
  }

  const Host& host_;
  CallbackServerContext& context_;
  grpc::ByteBuffer* const request_wire_;
  grpc::ByteBuffer* const response_wire_;
  ByteBudget::Share held_;
  AnswerLimit limit_;
  inference::ModelInferRequest request_;
  SteadyTime begin_;
  std::optional<std::chrono::microseconds> time_left_;  // from begin_
  std::optional<TraceContext> trace_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

// Takes messages as bytes: gRPC would inflate and decode them without a bound.
template <typename Service>
using RawService = typename Service::template WithRawCallbackMethod_ServerLive<
    typename Service::template WithRawCallbackMethod_ServerReady<
        typename Service::template WithRawCallbackMethod_ModelReady<
            typename Service::template WithRawCallbackMethod_ServerMetadata<
                typename Service::template WithRawCallbackMethod_ModelMetadata<
                    typename Service::template WithRawCallbackMethod_ModelInfer<
                        typename Service::Service>>>>>>;

class GrpcService : public RawService<inference::GRPCInferenceService> {
 public:
  using Bytes = grpc::ByteBuffer;
  static constexpr std::uint64_t kShortMessage = 16U << 10;  // of what has at most a name in it

  explicit GrpcService(const Host* host) : host_(*host) {}

  ServerUnaryReactor* ServerLive(CallbackServerContext* context, const Bytes* request,
                                 Bytes* response) override {
    return Answer<inference::ServerLiveRequest, inference::ServerLiveResponse>(
        context, "live", request, response, [](const auto&, auto* answer) {
          answer->set_live(true);
          return std::optional<Error>();
        });
  }

  ServerUnaryReactor* ServerReady(CallbackServerContext* context, const Bytes* request,
                                  Bytes* response) override {
    return Answer<inference::ServerReadyRequest, inference::ServerReadyResponse>(
        context, "ready", request, response, [this](const auto&, auto* answer) {
          answer->set_ready(IsReady());
          return std::optional<Error>();
        });
  }

  ServerUnaryReactor* ModelReady(CallbackServerContext* context, const Bytes* request,
                                 Bytes* response) override {
    return Answer<inference::ModelReadyRequest, inference::ModelReadyResponse>(
        context, "ready", request, response, [this](const auto& asked, auto* answer) {
          const auto found = host_.inference->Find(asked.name(), asked.version());
          answer->set_ready(found && IsReady());
          const bool unknown = !found && found.error().kind == ErrorKind::kNotFound;
          return unknown ? std::optional(found.error()) : std::nullopt;
        });
  }

  ServerUnaryReactor* ServerMetadata(CallbackServerContext* context, const Bytes* request,
                                     Bytes* response) override {
    return Answer<inference::ServerMetadataRequest, inference::ServerMetadataResponse>(
        context, "metadata", request, response, [this](const auto&, auto* answer) {
          answer->set_name("penstock-serve");
          answer->set_version(host_.options.server_version);
          for (const char* extension : kExtensions) answer->add_extensions(extension);
          return std::optional<Error>();
        });
  }

  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context, const Bytes* request,
                                    Bytes* response) override {
    return Answer<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
        context, "metadata", request, response,
        [this](const auto& asked, auto* answer) -> std::optional<Error> {
          const auto found = host_.inference->Find(asked.name(), asked.version());
          if (!found) return found.error();
          Describe((*found)->identity, *(*found)->model, answer);
          return std::nullopt;
        });
  }

  ServerUnaryReactor* ModelInfer(CallbackServerContext* context, const Bytes* request,
                                 Bytes* response) override {
    auto* reactor = new InferCallReactor(host_, context, const_cast<Bytes*>(request), response);
    reactor->Start();
    return reactor;
  }

 private:
  [[nodiscard]] bool IsReady() const {
    return host_.inference->state().phase == Inference::Phase::kReady;
  }

  // fill(request, &response) gives what is wrong, or nothing.
  template <typename Request, typename Response, typename Fill>
  ServerUnaryReactor* Answer(CallbackServerContext* context, const char* operation,
                             const Bytes* wire, Bytes* response_wire, Fill fill) {
    ByteBudget::Share held(host_.options.bodies.get());
    Request request;
    Response response;
    std::optional<Error> error;
    auto received = Receive(host_, const_cast<Bytes*>(wire), kShortMessage, &held, &request);
    if (!received) error = received.error();
    if (!error) error = fill(request, &response);
    if (!error && !Send(response, response_wire)) error = Internal("the answer has no wire form");
    host_.metrics->CountRequest(operation, error ? StatusOf(error->kind) : 200);
    ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(error ? grpc::Status(CodeOf(error->kind), error->message) : grpc::Status::OK);
    return reactor;
  }

  const Host& host_;
};

// What clients send wrong is answered to them. The libraries would also write it to the log, as it
// came, as often as it comes.
void BeSilent() {
  google::protobuf::SetLogHandler(nullptr);
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

void Apply(const GrpcServer::Options& options, grpc::ServerBuilder* builder) {
  const GrpcLimits& limits = options.limits;
  const auto set = [builder](const char* name, std::int64_t value) {
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    builder->AddChannelArgument(name, static_cast<int>(std::min(value, kMost)));
  };
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1024);
  set(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, static_cast<std::int64_t>(limits.message_bytes));
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, limits.handshake_time.count());
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, limits.idle.count());
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, limits.age.count());
  set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, limits.grace.count());
  // Messages stay as they came until WireMessage has looked at them.
  set(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  grpc::ResourceQuota quota("penstock-serve");
  // Several of the largest: near its end it ends calls at random, those that are nearly complete
  // too.
  quota.Resize(static_cast<std::size_t>(4 * limits.message_bytes));
  builder->SetResourceQuota(quota);
}

}  // namespace

struct GrpcServer::Impl {
  Impl(const Options& options, Inference* inference, const Clock* clock, Metrics* metrics,
       Tracer* tracer)
      : aside(options.aside_threads), host{options, inference, clock, metrics, tracer, &aside} {}

  AsideThreads aside;
  const Host host;
  GrpcService service{&host};
  std::unique_ptr<GrpcListener> listener = nullptr;
  std::unique_ptr<grpc::Server> server = nullptr;  // destroyed first
};

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options, Inference* inference,
                                                      const Clock* clock, Metrics* metrics,
                                                      Tracer* tracer) {
  auto listener = GrpcListener::Bind(options.address, options.port, options.limits.connections);
  if (!listener) return listener.error();
  auto impl = std::make_unique<Impl>(options, inference, clock, metrics, tracer);
  grpc::EnableDefaultHealthCheckService(true);
  BeSilent();
  grpc::ServerBuilder builder;
  Apply(options, &builder);
  (*listener)->AddTo(&builder, grpc::InsecureServerCredentials());
  builder.RegisterService(&impl->service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr) return Transient("gRPC's server does not start");
  impl->listener = std::move(*listener);
  std::unique_ptr<GrpcServer> server(new GrpcServer(std::move(impl)));
  server->SetReady(false);
  server->impl_->listener->Start([metrics] { metrics->CountRequest("none", 503); });
  return server;
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { Stop({}); }

std::uint16_t GrpcServer::port() const { return impl_->listener->port(); }

void GrpcServer::SetReady(bool ready) {
  if (auto* health = impl_->server->GetHealthCheckService()) health->SetServingStatus(ready);
}

void GrpcServer::Stop(std::chrono::milliseconds limit) {
  impl_->listener->Stop();
  impl_->server->Shutdown(std::chrono::system_clock::now() + limit);
}

}  // namespace penstock::serve
