#include "components/serve/protocol/service.h"

#include <charconv>
#include <utility>

#include "components/serve/protocol/compress.h"
#include "components/serve/protocol/growing_body.h"
#include "components/serve/protocol/infer_decode.h"
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

Error WithStatus(Error error, int status) {
  error.http_status = status;
  return error;
}

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
  return WithStatus(Invalid("Content-Type " + media + " is not supported; send application/json"),
                    415);
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
Result<const Route*> RouteOf(const HttpRequest& request) {
  struct Known {
    std::string method;
    std::string target;
    Route route;
  };
  thread_local Known last;
  if (request.target == last.target && request.method == last.method) return &last.route;
  auto route = FindRoute(request.method, request.target);
  if (!route) return route.error();
  last = {request.method, request.target, std::move(*route)};
  return &last.route;
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

struct Service::Exchange {
  explicit Exchange(ByteBudget* bodies) : held(bodies) {}
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
  Error error = WithStatus(Transient(state.reason), 503);
  error.retry_after = std::chrono::seconds(1);
  return ErrorResponse(error);
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
  auto exchange = std::make_shared<Exchange>(options_.bodies.get());
  exchange->begin = clock_->Steady() - request.waited;
  exchange->respond = std::move(respond);
  exchange->coding = ChooseCoding(request.accept_encoding);
  auto route = RouteOf(request);
  if (!route) {
    HttpResponse response = ErrorResponse(route.error());
    metrics_->CountRequest("none", response.status);
    return exchange->respond(std::move(response));
  }
  exchange->operation = (*route)->operation;
  if (exchange->operation == Operation::kInfer || exchange->operation == Operation::kPredict)
    return Infer(**route, &request, exchange);
  Finish(*exchange, Answer(**route, request));
}

void Service::CountRefused(int status) {
  metrics_->CountRequest("none", status);
  if (status == kClientGone) metrics_->CountRejected("cancelled");
}

void Service::Trace(const Exchange& exchange, int status) {
  TracedRequest traced;
  traced.name = NameOf(exchange.operation);
  traced.protocol = "http";
  traced.model = exchange.route.model;
  traced.version = exchange.route.version;
  traced.status = status;
  traced.end = clock_->Now();
  traced.total = clock_->Steady() - exchange.begin;
  traced.input = exchange.parts.input;
  traced.queue = exchange.parts.queue;
  traced.compute = exchange.parts.compute;
  traced.rows = exchange.rows;
  tracer_->End(*exchange.trace, traced);
}

void Service::Finish(const Exchange& exchange, HttpResponse response) {
  if (exchange.trace) Trace(exchange, response.status);
  metrics_->CountRequest(NameOf(exchange.operation), response.status);
  if (exchange.coding != Coding::kIdentity && response.body.size() >= kCompressAbove) {
    response.body = Compress(exchange.coding, response.body);
    response.headers += exchange.coding == Coding::kGzip ? "Content-Encoding: gzip\r\n"
                                                         : "Content-Encoding: deflate\r\n";
    response.headers += "Vary: Accept-Encoding\r\n";
  }
  exchange.respond(std::move(response));
}

// What a body takes beyond the connection's share: as much again where it was inflated, and where
// it is of a predict request, which is read into a tree. Small ones are not looked at.
Result<void> Service::HoldMore(std::uint64_t inflated, const HttpRequest& request,
                               Exchange* exchange) {
  std::uint64_t more = inflated;
  if (exchange->operation == Operation::kPredict) more += request.body.size();
  if (more <= GrowingBody::kSmall || exchange->held.Hold(more)) return {};
  Error error = WithStatus(Transient("the server holds too many request bodies at once"), 503);
  error.retry_after = std::chrono::seconds(1);
  return error;
}

Result<void> Service::Inflate(HttpRequest* request, Exchange* exchange) {
  auto coding = ParseContentEncoding(request->content_encoding);
  if (!coding) return coding.error();
  if (*coding == Coding::kIdentity) return HoldMore(0, *request, exchange);
  auto plain = Decompress(*coding, request->body, options_.body_bytes);
  if (!plain) return plain.error();
  request->body = std::move(*plain);
  return HoldMore(request->body.size(), *request, exchange);
}

Result<InferRequest> Service::Read(const Model& model, HttpRequest* request, Exchange* exchange) {
  Decoders& decoders = Decoders::OfThisThread();
  if (auto inflated = Inflate(request, exchange); !inflated) return inflated.error();
  if (auto error = CheckMedia(*request)) return *error;
  if (exchange->operation == Operation::kPredict) {
    auto decoded = decoders.predict.Decode(model.signature(), &request->body);
    if (!decoded) return decoded.error();
    exchange->predict_rows = decoded->rows;
    return std::move(decoded->infer);
  }
  auto length = JsonLength(*request);
  if (!length) return length.error();
  if (*length == 0) return DecodeRaw(model.signature(), request->body);
  return decoders.infer.Decode(&request->body, *length);
}

HttpResponse Service::Write(const ServedModel& served, const InferAnswer& answer,
                            const Exchange& exchange) {
  if (exchange.operation == Operation::kPredict) {
    auto text = EncodePredictions(answer.outputs, exchange.predict_rows);
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

void Service::Infer(const Route& route, HttpRequest* request, const ExchangePtr& exchange) {
  if (tracer_ != nullptr) {
    exchange->trace = tracer_->Begin(request->traceparent);
    if (exchange->trace) exchange->route = route;
  }
  const auto refuse = [&](const Error& error) { Finish(*exchange, ErrorResponse(error)); };
  auto served = inference_->Find(route.model, route.version);
  if (!served) return refuse(served.error());
  auto timeout = ParseTimeout(request->timeout_ms);
  if (!timeout) return refuse(timeout.error());
  if (*timeout && request->waited >= **timeout) {
    metrics_->CountRejected("expired");
    return refuse(WithStatus(Cancelled("the request's time ran out before it was read"), 504));
  }
  const Decoders::Use use;
  auto decoded = Read(*(*served)->model, request, exchange.get());
  if (!decoded) return refuse(decoded.error());
  InferCall call{std::move(*decoded), exchange->begin, *timeout, request->cancelled, request->loop};
  // The service outlives the pool's threads, and the pool what waits in it.
  const ServedModel* model = served->get();
  inference_->Infer(*served, std::move(call), [this, model, exchange](Result<InferAnswer> answer) {
    if (!answer) return Finish(*exchange, ErrorResponse(answer.error()));
    exchange->parts = answer->parts;
    exchange->rows = answer->rows;
    HttpResponse response = Write(*model, *answer, *exchange);
    if (response.status == 200) inference_->Answered(*model, *answer, exchange->begin);
    Finish(*exchange, std::move(response));
  });
}

}  // namespace penstock::serve
