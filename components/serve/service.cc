#include "components/serve/service.h"

#include <charconv>
#include <random>
#include <utility>

#include "components/serve/infer_decode.h"

namespace penstock::serve {
namespace {

constexpr std::size_t kMaxIdBytes = 1024;

Error WithStatus(Error error, int status) {
  error.http_status = status;
  return error;
}

Error Unready(const std::string& reason) {
  Error error = WithStatus(Transient(reason), 503);
  error.retry_after = std::chrono::seconds(1);
  return error;
}

HttpResponse Ok(std::string body) {
  return HttpResponse{200, std::move(body), "application/json", ""};
}

std::string RandomPrefix() {
  std::random_device device;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 12; ++i) text.push_back(kHex[device() & 15]);
  return text + "-";
}

const char* NameOf(Operation operation) {
  switch (operation) {
    case Operation::kInfer:
      return "infer";
    case Operation::kLive:
      return "live";
    case Operation::kReady:
    case Operation::kModelReady:
      return "ready";
    case Operation::kMetrics:
      return "metrics";
    default:
      return "metadata";
  }
}

std::optional<Error> CheckMedia(const HttpRequest& request) {
  if (!request.content_encoding.empty() && request.content_encoding != "identity") {
    return WithStatus(Invalid("Content-Encoding " + request.content_encoding +
                              " is not supported; send the JSON as it is"),
                      415);
  }
  if (request.binary_tensors) {
    return WithStatus(Invalid("binary tensors are not supported; send the data as JSON"), 415);
  }
  std::string media = request.content_type.substr(0, request.content_type.find(';'));
  while (!media.empty() && media.back() == ' ') media.pop_back();
  for (char& c : media) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (!media.empty() && media != "application/json") {
    return WithStatus(Invalid("Content-Type " + media + " is not supported; send application/json"),
                      415);
  }
  return std::nullopt;
}

// 1 ms to an hour.
Result<std::optional<std::chrono::milliseconds>> ParseTimeout(const std::string& text) {
  if (text.empty()) return std::optional<std::chrono::milliseconds>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 3'600'000) {
    return Invalid("x-request-timeout-ms must be an integer from 1 to 3600000");
  }
  return std::optional(std::chrono::milliseconds(value));
}

}  // namespace

struct Service::Serving {
  Serving(ModelIdentity who, std::shared_ptr<const Model> what, const Options& options,
          const Clock* clock, WorkerPool::Hooks hooks)
      : identity(std::move(who)),
        model(std::move(what)),
        pool(model, options.instances, PolicyFor(*model, options.batching), clock,
             std::move(hooks)) {}

  static BatchPolicy PolicyFor(const Model& model, BatchPolicy policy) {
    if (!model.signature().batched) policy.max_rows = 1;
    return policy;
  }

  const ModelIdentity identity;
  const std::shared_ptr<const Model> model;
  WorkerPool pool;
};

Service::Service(Options options, const Clock* clock, Metrics* metrics)
    : options_(std::move(options)),
      clock_(clock),
      metrics_(metrics),
      id_prefix_(RandomPrefix()),
      reason_("the model is loading") {}

Service::~Service() { Stop(); }

void Service::Publish(ModelIdentity identity, std::shared_ptr<const Model> model) {
  WorkerPool::Hooks hooks;
  hooks.on_thread_start = [start = options_.on_worker_start, threads = options_.intra_op_threads] {
    if (start != nullptr) start(threads);
  };
  hooks.on_batch = [this](std::int64_t rows) { metrics_->ObserveBatch(rows); };
  auto serving = std::make_shared<Serving>(std::move(identity), std::move(model), options_, clock_,
                                           std::move(hooks));
  std::lock_guard lock(mutex_);
  serving_ = std::move(serving);
  metrics_->SetReady(!draining_);
}

void Service::Fail(const std::string& reason) {
  std::lock_guard lock(mutex_);
  reason_ = "the model did not load: " + reason;
}

void Service::BeginDrain() {
  draining_ = true;
  metrics_->SetReady(false);
}

void Service::Stop() {
  std::shared_ptr<Serving> last;
  {
    std::lock_guard lock(mutex_);
    last = std::exchange(serving_, nullptr);
    reason_ = "the server has stopped";
  }
}

std::shared_ptr<Service::Serving> Service::serving() const {
  std::lock_guard lock(mutex_);
  return serving_;
}

Result<std::shared_ptr<Service::Serving>> Service::ServingFor(const Route& route) const {
  auto current = serving();
  if (!current) {
    std::lock_guard lock(mutex_);
    return Unready(reason_);
  }
  if (route.model != current->identity.name)
    return NotFound("there is no model '" + route.model + "' here");
  if (!route.version.empty() && route.version != current->identity.version) {
    return NotFound("model '" + route.model + "' has no version '" + route.version + "' here");
  }
  return current;
}

HttpResponse Service::Ready() const {
  if (draining_) return ErrorResponse(Unready("the server is shutting down"));
  std::lock_guard lock(mutex_);
  if (!serving_) return ErrorResponse(Unready(reason_));
  return Ok(R"({"ready":true})");
}

HttpResponse Service::Answer(const Route& route) const {
  switch (route.operation) {
    case Operation::kLive:
      return Ok(R"({"live":true})");
    case Operation::kReady:
      return Ready();
    case Operation::kServerMetadata:
      return Ok(EncodeServerMetadata(options_.server_version));
    case Operation::kMetrics: {
      if (auto current = serving()) metrics_->SetQueued(current->pool.queued());
      return {200, metrics_->Text(), "text/plain; version=0.0.4; charset=utf-8", ""};
    }
    default:
      break;
  }
  auto current = ServingFor(route);
  if (!current) return ErrorResponse(current.error());
  if (route.operation == Operation::kModelReady) {
    return draining_ ? Ready() : Ok(R"({"ready":true})");
  }
  const Model& model = *(*current)->model;
  return Ok(EncodeModelMetadata((*current)->identity, model.platform(), model.signature()));
}

void Service::Handle(HttpRequest request, Respond respond) {
  auto route = FindRoute(request.method, request.target);
  if (!route) {
    HttpResponse response = ErrorResponse(route.error());
    metrics_->CountRequest("none", response.status);
    return respond(std::move(response));
  }
  if (route->operation == Operation::kInfer)
    return Infer(*route, std::move(request), std::move(respond));
  HttpResponse response = Answer(*route);
  metrics_->CountRequest(NameOf(route->operation), response.status);
  respond(std::move(response));
}

void Service::CountRefused(int status) { metrics_->CountRequest("none", status); }

Result<JobPtr> Service::MakeJob(const Serving& serving, HttpRequest* request, std::string* id,
                                std::vector<std::size_t>* outputs) {
  // One a thread: its buffers are reused from request to request.
  thread_local InferDecoder decoder;
  if (auto error = CheckMedia(*request)) return *error;
  auto timeout = ParseTimeout(request->timeout_ms);
  if (!timeout) return timeout.error();
  auto decoded = decoder.Decode(&request->body);
  if (!decoded) return decoded.error();
  if (decoded->id.size() > kMaxIdBytes) return Invalid("'id' is longer than 1024 bytes");
  const Model& model = *serving.model;
  auto selected = SelectOutputs(model.signature(), decoded->outputs);
  if (!selected) return selected.error();
  auto rows = FitInputs(model.signature(), &decoded->inputs);
  if (!rows) return rows.error();
  auto prepared = model.Prepare(std::move(decoded->inputs));
  if (!prepared) return prepared.error();
  *outputs = std::move(*selected);
  *id = decoded->id.empty() ? id_prefix_ + std::to_string(next_id_++) : std::move(decoded->id);
  auto job = std::make_unique<Job>();
  job->inputs = std::move(*prepared);
  job->rows = *rows;
  if (*timeout) job->deadline = clock_->Steady() + **timeout;
  return job;
}

void Service::Infer(const Route& route, HttpRequest request, Respond respond) {
  const SteadyTime begin = clock_->Steady();
  const auto answer = [this, respond](HttpResponse response) {
    metrics_->CountRequest("infer", response.status);
    respond(std::move(response));
  };
  auto current = ServingFor(route);
  if (!current) return answer(ErrorResponse(current.error()));
  std::string id;
  std::vector<std::size_t> chosen;
  auto job = MakeJob(**current, &request, &id, &chosen);
  if (!job) return answer(ErrorResponse(job.error()));
  request = {};  // the body's memory is not needed while the job waits
  // The service outlives the pool's threads, and the pool its jobs.
  Serving* serving = current->get();
  (*job)->done = [this, serving, begin, answer, id = std::move(id),
                  chosen = std::move(chosen)](JobResult result) {
    Result<std::vector<Tensor>> outputs = std::move(result.outputs);
    if (outputs) outputs = serving->model->Present(std::move(*outputs));
    if (!outputs) {
      if (outputs.error().http_status == 504) metrics_->CountRejected("expired");
      return answer(ErrorResponse(outputs.error()));
    }
    std::vector<Tensor> asked;
    for (std::size_t index : chosen) asked.push_back(std::move((*outputs)[index]));
    auto text = EncodeInferResponse(serving->identity, id, asked);
    metrics_->ObserveInference(clock_->Steady() - begin, result.queued, result.computed);
    answer(text ? Ok(std::move(*text)) : ErrorResponse(text.error()));
  };
  auto submitted = serving->pool.Submit(std::move(*job));
  if (!submitted) {
    metrics_->CountRejected("queue_full");
    answer(ErrorResponse(submitted.error()));
  }
}

}  // namespace penstock::serve
