#include "components/serve/grpc_server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <atomic>
#include <utility>

#include "components/serve/grpc_codec.h"
#include "components/serve/http.h"
#include "components/serve/inference.grpc.pb.h"

namespace penstock::serve {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

grpc::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
    case 413:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case 404:
      return grpc::StatusCode::NOT_FOUND;
    case 429:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case 499:
      return grpc::StatusCode::CANCELLED;
    case 503:
      return grpc::StatusCode::UNAVAILABLE;
    case 504:
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

// What every call needs.
struct Host {
  GrpcServer::Options options;
  Inference* inference;
  const Clock* clock;
  Metrics* metrics;
  Tracer* tracer;
};

// One ModelInfer call; deletes itself when gRPC is done with it.
class InferCallReactor : public ServerUnaryReactor {
 public:
  InferCallReactor(const Host& host, CallbackServerContext* context,
                   const inference::ModelInferRequest* request,
                   inference::ModelInferResponse* response)
      : host_(host), context_(*context), request_(*request), response_(*response) {
    begin_ = host_.clock->Steady();
    if (host_.tracer != nullptr) trace_ = host_.tracer->Begin(Metadata(context_, "traceparent"));
  }

  void Run() {
    auto served = host_.inference->Find(request_.model_name(), request_.model_version());
    if (!served) return Fail(served.error());
    auto decoded = FromMessage(request_);
    if (!decoded) return Fail(decoded.error());
    const ServedModel* model = served->get();  // outlives what waits in its queue
    InferCall call{std::move(*decoded), begin_, TimeLeft(), cancelled_};
    host_.inference->Infer(*served, std::move(call), [this, model](Result<InferAnswer> answer) {
      if (!answer) return Fail(answer.error());
      ToMessage(model->identity, answer->id, answer->outputs, IsRaw(request_), &response_);
      host_.inference->Answered(*model, *answer, begin_);
      Conclude(200, answer->parts, answer->rows);
      Finish(grpc::Status::OK);
    });
  }

  void OnCancel() override { *cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  [[nodiscard]] std::optional<std::chrono::microseconds> TimeLeft() const {
    if (context_.deadline() == std::chrono::system_clock::time_point::max()) return std::nullopt;
    const auto left = context_.deadline() - host_.clock->Now();
    return std::max(std::chrono::microseconds(1),
                    std::chrono::duration_cast<std::chrono::microseconds>(left));
  }

  void Fail(const Error& error) {
    const int status = StatusOf(error);
    if (error.retry_after) {
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*error.retry_after).count();
      context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(ms));
    }
    Conclude(status, {}, 0);
    Finish({CodeOf(status), error.message});
  }

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
  const inference::ModelInferRequest& request_;
  inference::ModelInferResponse& response_;
  SteadyTime begin_;
  std::optional<TraceContext> trace_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

class GrpcService : public inference::GRPCInferenceService::CallbackService {
 public:
  explicit GrpcService(const Host* host) : host_(*host) {}

  ServerUnaryReactor* ServerLive(CallbackServerContext* context,
                                 const inference::ServerLiveRequest*,
                                 inference::ServerLiveResponse* response) override {
    response->set_live(true);
    return Done(context, "live");
  }

  ServerUnaryReactor* ServerReady(CallbackServerContext* context,
                                  const inference::ServerReadyRequest*,
                                  inference::ServerReadyResponse* response) override {
    response->set_ready(IsReady());
    return Done(context, "ready");
  }

  ServerUnaryReactor* ModelReady(CallbackServerContext* context,
                                 const inference::ModelReadyRequest* request,
                                 inference::ModelReadyResponse* response) override {
    const auto found = host_.inference->Find(request->name(), request->version());
    if (!found && found.error().kind == ErrorKind::kNotFound)
      return Done(context, "ready", found.error());
    response->set_ready(found && IsReady());
    return Done(context, "ready");
  }

  ServerUnaryReactor* ServerMetadata(CallbackServerContext* context,
                                     const inference::ServerMetadataRequest*,
                                     inference::ServerMetadataResponse* response) override {
    response->set_name("penstock-serve");
    response->set_version(host_.options.server_version);
    for (const char* extension : kExtensions) response->add_extensions(extension);
    return Done(context, "metadata");
  }

  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context,
                                    const inference::ModelMetadataRequest* request,
                                    inference::ModelMetadataResponse* response) override {
    const auto found = host_.inference->Find(request->name(), request->version());
    if (!found) return Done(context, "metadata", found.error());
    const ServedModel& served = **found;
    response->set_name(served.identity.name);
    if (!served.identity.version.empty()) response->add_versions(served.identity.version);
    response->set_platform(served.model->platform());
    for (const InputSpec& spec : served.model->signature().inputs)
      Describe(spec, response->add_inputs());
    for (const OutputSpec& spec : served.model->signature().outputs)
      Describe(spec, response->add_outputs());
    return Done(context, "metadata");
  }

  ServerUnaryReactor* ModelInfer(CallbackServerContext* context,
                                 const inference::ModelInferRequest* request,
                                 inference::ModelInferResponse* response) override {
    auto* reactor = new InferCallReactor(host_, context, request, response);
    reactor->Run();
    return reactor;
  }

 private:
  template <typename Spec>
  static void Describe(const Spec& spec,
                       inference::ModelMetadataResponse::TensorMetadata* metadata) {
    metadata->set_name(spec.name);
    metadata->set_datatype(Name(spec.datatype));
    metadata->mutable_shape()->Add(spec.shape.begin(), spec.shape.end());
  }

  [[nodiscard]] bool IsReady() const {
    return host_.inference->state().phase == Inference::Phase::kReady;
  }

  ServerUnaryReactor* Done(CallbackServerContext* context, const char* operation,
                           const std::optional<Error>& error = std::nullopt) {
    const int status = error ? StatusOf(*error) : 200;
    host_.metrics->CountRequest(operation, status);
    ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(error ? grpc::Status(CodeOf(status), error->message) : grpc::Status::OK);
    return reactor;
  }

  const Host& host_;
};

}  // namespace

struct GrpcServer::Impl {
  explicit Impl(Host h) : host(std::move(h)), service(&host) {}
  const Host host;
  GrpcService service;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

Result<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options, Inference* inference,
                                                      const Clock* clock, Metrics* metrics,
                                                      Tracer* tracer) {
  auto impl = std::make_unique<Impl>(Host{options, inference, clock, metrics, tracer});
  grpc::EnableDefaultHealthCheckService(true);
  const bool v6 = options.address.find(':') != std::string::npos;
  const std::string where =
      (v6 ? "[" + options.address + "]" : options.address) + ":" + std::to_string(options.port);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(where, grpc::InsecureServerCredentials(), &impl->port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1024);
  builder.SetMaxReceiveMessageSize(static_cast<int>(
      std::min<std::uint64_t>(options.message_bytes, std::numeric_limits<int>::max())));
  builder.RegisterService(&impl->service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || impl->port == 0)
    return Transient("cannot listen on " + where + " for gRPC");
  std::unique_ptr<GrpcServer> server(new GrpcServer(std::move(impl)));
  server->SetReady(false);
  return server;
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { Stop({}); }

std::uint16_t GrpcServer::port() const { return static_cast<std::uint16_t>(impl_->port); }

void GrpcServer::SetReady(bool ready) {
  if (auto* health = impl_->server->GetHealthCheckService()) health->SetServingStatus(ready);
}

void GrpcServer::Stop(std::chrono::milliseconds limit) {
  impl_->server->Shutdown(std::chrono::system_clock::now() + limit);
}

}  // namespace penstock::serve
