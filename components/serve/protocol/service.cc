#include "components/serve/protocol/service.h"

#include <charconv>
#include <utility>

#include "components/serve/engine/failure.h"
#include "components/serve/protocol/compress.h"
#include "components/serve/protocol/growing_body.h"
#include "components/serve/protocol/infer_decode.h"
#include "components/serve/protocol/infer_encode.h"
#include "components/serve/protocol/predict_decode.h"
#include "components/serve/protocol/repository.h"

namespace penstock::serve {
namespace {

std::string ObserverText(const Inference& inference) {
  const auto served = inference.served();
  return served && served->observer ? served->observer->MetricsText() : "";
}

// Below this a response is not worth compressing.
constexpr std::size_t kCompressAbove = 512;
constexpr const char* kJsonLength = "Inference-Header-Content-Length";

HttpResponse Ok(std::string body) {
  return HttpResponse{200, std::move(body), "application/json", ""};
}

const char* NameOf(Operation operation) {
  switch (operation) {
    case Operation::kInfer:
      return "infer";
    case Operation::kPredict:
      return "predict";
    case Operation::kLive:
      return "live";
    case Operation::kReady:
    case Operation::kModelReady:
      return "ready";
    case Operation::kMetrics:
      return "metrics";
    case Operation::kStatistics:
      return "statistics";
    case Operation::kRepositoryIndex:
    case Operation::kRepositoryChange:
      return "repository";
    default:
      return "metadata";
  }
}

std::string MediaOf(const HttpRequest& request) {
  std::string media = request.content_type.substr(0, request.content_type.find(';'));
  while (!media.empty() && media.back() == ' ') media.pop_back();
  for (char& c : media) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return media;
}

std::optional<Error> CheckMedia(const HttpRequest& request) {
  const std::string media = MediaOf(request);
  if (media.empty() || media == "application/json") return std::nullopt;
  // What `curl -d` says of every body when it is told nothing.
  if (media == "application/x-www-form-urlencoded") return std::nullopt;
  if (media == "application/octet-stream") {
    if (!request.json_length.empty()) return std::nullopt;
    return Invalid(std::string("a body of application/octet-stream needs the header ") +
                   kJsonLength);
  }
  return Failure(ErrorKind::kUnsupported,
                 "Content-Type " + media + " is not supported; send application/json");
}

// How much of the body is JSON; all of it without the header.
Result<std::size_t> JsonLength(const HttpRequest& request) {
  const std::string& text = request.json_length;
  if (text.empty()) return std::string::npos;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size())
    return Invalid(std::string(kJsonLength) + " must be a number of bytes");
  if (length > request.body.size()) {
    return Invalid(std::string(kJsonLength) + " is " + text + ", the body has " +
                   std::to_string(request.body.size()) + " bytes");
  }
  return static_cast<std::size_t>(length);
}

// Clients ask for the same target again and again: a thread keeps the last one's route.
Result<const Route*> RouteOf(const std::string& target) {
  struct LastRoute {
    std::string target;
    Route route;
  };
  thread_local LastRoute last;
  if (target == last.target) return &last.route;
  auto route = FindRoute(target);
  if (!route) return route.error();
  last = {target, std::move(*route)};
  return &last.route;
}

HttpResponse WrongMethod(Operation operation) {
  const std::string allowed = MethodOf(operation);
  HttpResponse response = Refusal(405, "method not allowed here; use " + allowed);
  response.headers = "Allow: " + allowed + "\r\n";
  return response;
}

// 1 ms to an hour.
Result<std::optional<std::chrono::microseconds>> ParseTimeout(const std::string& text) {
  if (text.empty()) return std::optional<std::chrono::microseconds>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 3'600'000)
    return Invalid("x-request-timeout-ms must be an integer from 1 to 3600000");
  return std::optional<std::chrono::microseconds>(std::chrono::milliseconds(value));
}

// One of each a thread: their buffers are reused from request to request, large ones are not kept.
struct Decoders {
  InferDecoder infer;
  PredictDecoder predict;

  static Decoders& OfThisThread() {
    thread_local Decoders decoders;
    return decoders;
  }
  // While it lives, what was decoded may be looked at.
  struct Use {
    Use() = default;
    ~Use() {
      OfThisThread().infer.GiveBack();
      OfThisThread().predict.GiveBack();
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };
};

}  // namespace

struct Service::Pending {
  explicit Pending(ByteBudget* bodies) : held(bodies) {}
  Operation operation = Operation::kServerMetadata;
  SteadyTime begin;
  Coding coding = Coding::kIdentity;  // of the response
  bool predict_rows = true;           // the form of a predict request
  Respond respond;
  std::optional<TraceContext> trace;  // when this request is traced
  Route route;
  Statistics::Parts parts;  // of what was computed
  std::int64_t rows = 0;
  ByteBudget::Share held;
};

Service::Service(Options options, Inference* inference, const Clock* clock, Metrics* metrics,
                 Tracer* tracer)
    : options_(std::move(options)),
      inference_(inference),
      clock_(clock),
      metrics_(metrics),
      tracer_(tracer) {}

HttpResponse Service::Ready() const {
  const Inference::State state = inference_->state();
  if (state.phase == Inference::Phase::kReady) return Ok(R"({"ready":true})");
  return Refusal(503, state.reason);
}

HttpResponse Service::Answer(const Route& route, const HttpRequest& request) const {
  switch (route.operation) {
    case Operation::kLive:
      return Ok(R"({"live":true})");
    case Operation::kReady:
      return Ready();
    case Operation::kServerMetadata:
      return Ok(EncodeServerMetadata(options_.server_version));
    case Operation::kRepositoryIndex: {
      auto index = EncodeRepositoryIndex(inference_->state(), request.body);
      return index ? Ok(std::move(*index)) : ErrorResponse(index.error());
    }
    case Operation::kRepositoryChange:
      return ErrorResponse(Invalid(
          "models are not loaded or unloaded here: a server has the one that it was started with"));
    case Operation::kPredictStatus: {
      auto status = EncodePredictStatus(inference_->state(), route.model, route.version);
      return status ? Ok(std::move(*status)) : ErrorResponse(status.error());
    }
    case Operation::kMetrics:
      if (auto current = inference_->served()) metrics_->SetQueued(current->pool.queued());
      if (tracer_ != nullptr)
        metrics_->SetSpans(tracer_->sent(), tracer_->dropped(), tracer_->failed());
      return {200, metrics_->Text() + ObserverText(*inference_),
              "text/plain; version=0.0.4; charset=utf-8", ""};
    default:
      return ModelAnswer(route);
  }
}

HttpResponse Service::ModelAnswer(const Route& route) const {
  auto served = inference_->served();
  if (route.operation == Operation::kStatistics && route.model.empty() && !served)
    return Ok(R"({"model_stats":[]})");
  if (!route.model.empty() || !served) {
    auto found = inference_->Find(route.model, route.version);
    if (!found) return ErrorResponse(found.error());
    served = std::move(*found);
  }
  if (route.operation == Operation::kModelReady) return Ready();
  if (route.operation == Operation::kStatistics)
    return Ok(R"({"model_stats":[)" + served->statistics->ToJsonText(served->identity) + "]}");
  const Model& model = *served->model;
  return Ok(EncodeModelMetadata(served->identity, model.platform(), model.signature()));
}

void Service::Handle(HttpRequest request, Respond respond) {
  auto pending = std::make_shared<Pending>(options_.bodies.get());
  pending->begin = clock_->Steady() - request.waited;
  pending->respond = std::move(respond);
  pending->coding = ChooseCoding(request.accept_encoding);
  auto route = RouteOf(request.target);
  if (!route || !Takes((*route)->operation, request.method)) {
    HttpResponse response = route ? WrongMethod((*route)->operation) : ErrorResponse(route.error());
    metrics_->CountRequest("none", response.status);
    return pending->respond(std::move(response));
  }
  pending->operation = (*route)->operation;
  if (pending->operation == Operation::kInfer || pending->operation == Operation::kPredict)
    return Infer(**route, &request, pending);
  Finish(*pending, Answer(**route, request));
}

void Service::CountRefused(int status) {
  metrics_->CountRequest("none", status);
  if (status == kClientGone) metrics_->CountRejected("cancelled");
}

void Service::Trace(const Pending& pending, int status) {
  TracedRequest traced;
  traced.name = NameOf(pending.operation);
  traced.protocol = "http";
  traced.model = pending.route.model;
  traced.version = pending.route.version;
  traced.status = status;
  traced.end = clock_->Now();
  traced.total = clock_->Steady() - pending.begin;
  traced.input = pending.parts.input;
  traced.queue = pending.parts.queue;
  traced.compute = pending.parts.compute;
  traced.rows = pending.rows;
  tracer_->End(*pending.trace, traced);
}

void Service::Finish(const Pending& pending, HttpResponse response) {
  if (pending.trace) Trace(pending, response.status);
  metrics_->CountRequest(NameOf(pending.operation), response.status);
  if (pending.coding != Coding::kIdentity && response.body.size() >= kCompressAbove) {
    response.body = Compress(pending.coding, response.body);
    response.headers += pending.coding == Coding::kGzip ? "Content-Encoding: gzip\r\n"
                                                        : "Content-Encoding: deflate\r\n";
    response.headers += "Vary: Accept-Encoding\r\n";
  }
  pending.respond(std::move(response));
}

// What a body takes beyond the connection's share: as much again where it was inflated, and where
// it is of a predict request, which is read into a tree. Small ones are not looked at.
Result<void> Service::HoldMore(std::uint64_t inflated, const HttpRequest& request,
                               Pending* pending) {
  std::uint64_t more = inflated;
  if (pending->operation == Operation::kPredict) more += request.body.size();
  if (more <= GrowingBody::kSmall || pending->held.Hold(more)) return {};
  Error error = Transient("the server holds too many request bodies at once");
  error.retry_after = std::chrono::seconds(1);
  return error;
}

Result<void> Service::Inflate(HttpRequest* request, Pending* pending) {
  auto coding = ParseContentEncoding(request->content_encoding);
  if (!coding) return coding.error();
  if (*coding == Coding::kIdentity) return HoldMore(0, *request, pending);
  auto plain = Decompress(*coding, request->body, options_.body_bytes);
  if (!plain) return plain.error();
  request->body = std::move(*plain);
  return HoldMore(request->body.size(), *request, pending);
}

Result<InferRequest> Service::Read(const Model& model, HttpRequest* request, Pending* pending) {
  Decoders& decoders = Decoders::OfThisThread();
  if (auto inflated = Inflate(request, pending); !inflated) return inflated.error();
  if (auto error = CheckMedia(*request)) return *error;
  if (pending->operation == Operation::kPredict) {
    auto decoded = decoders.predict.Decode(model.signature(), &request->body);
    if (!decoded) return decoded.error();
    pending->predict_rows = decoded->rows;
    return std::move(decoded->infer);
  }
  auto length = JsonLength(*request);
  if (!length) return length.error();
  if (*length == 0) return DecodeRaw(model.signature(), request->body);
  return decoders.infer.Decode(&request->body, *length);
}

HttpResponse Service::Write(const ServedModel& served, const InferAnswer& answer,
                            const Pending& pending) {
  if (pending.operation == Operation::kPredict) {
    auto text = EncodePredictions(answer.outputs, pending.predict_rows);
    return text ? Ok(std::move(*text)) : ErrorResponse(text.error());
  }
  auto body = EncodeInferResponse(served.identity, answer.id, answer.outputs, answer.binary);
  if (!body) return ErrorResponse(body.error());
  HttpResponse response = Ok(std::move(body->bytes));
  if (body->json_size) {
    response.content_type = "application/octet-stream";
    response.headers = std::string(kJsonLength) + ": " + std::to_string(*body->json_size) + "\r\n";
  }
  return response;
}

void Service::Infer(const Route& route, HttpRequest* request, const PendingPtr& pending) {
  if (tracer_ != nullptr) {
    pending->trace = tracer_->Begin(request->traceparent);
    if (pending->trace) pending->route = route;
  }
  const auto refuse = [&](const Error& error) { Finish(*pending, ErrorResponse(error)); };
  auto served = inference_->Find(route.model, route.version);
  if (!served) return refuse(served.error());
  auto timeout = ParseTimeout(request->timeout_ms);
  if (!timeout) return refuse(timeout.error());
  if (*timeout && request->waited >= **timeout) {
    metrics_->CountRejected("expired");
    return refuse(Failure(ErrorKind::kDeadline, "the request's time ran out before it was read"));
  }
  const Decoders::Use use;
  auto decoded = Read(*(*served)->model, request, pending.get());
  if (!decoded) return refuse(decoded.error());
  InferCall call{std::move(*decoded), pending->begin, *timeout, request->cancelled, request->loop};
  // The service outlives the pool's threads, and the pool what waits in it.
  const ServedModel* model = served->get();
  inference_->Infer(*served, std::move(call), [this, model, pending](Result<InferAnswer> answer) {
    if (!answer) return Finish(*pending, ErrorResponse(answer.error()));
    pending->parts = answer->parts;
    pending->rows = answer->rows;
    HttpResponse response = Write(*model, *answer, *pending);
    if (response.status == 200) inference_->Answered(*model, *answer, pending->begin);
    Finish(*pending, std::move(response));
  });
}

}  // namespace penstock::serve
