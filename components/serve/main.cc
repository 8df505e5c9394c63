// penstock-serve: one model behind the Open Inference Protocol V2.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "components/model/backend.h"
#include "components/model/model_loader.h"
#include "components/serve/engine/inference.h"
#include "components/serve/host/cgroup_limits.h"
#include "components/serve/host/malloc.h"
#include "components/serve/http/http_server.h"
#include "components/serve/monitoring/model_observer.h"
#include "components/serve/options.h"
#include "components/serve/prediction_sender.h"
#include "components/serve/protocol/service.h"
#include "components/serve/telemetry/otlp_client.h"
#include "components/serve/telemetry/tracer.h"
#include "operator/base/version.h"
#include "operator/os/cgroup.h"
#ifdef PENSTOCK_SERVE_GRPC
#include "components/serve/grpc/grpc_server.h"
#endif

namespace penstock::serve {
namespace {

constexpr int kWrongUsage = 2;
constexpr int kLoadFailed = 3;

void Say(const std::string& line) {
  std::fprintf(stderr, "penstock-serve: %s\n", line.c_str());
  std::fflush(stderr);
}

// In place: kubelet has mounted the file. Where it cannot be written the log is what is read.
void WriteEnd(const std::string& file, const std::string& why) {
  std::ofstream out(file);
  out << why << std::flush;
  if (!out) Say("--termination-log " + file + " could not be written: " + std::strerror(errno));
}

Inference::Options InferenceOptions(const ServeOptions& o, int threads) {
  Inference::Options s;
  s.model_name = o.name;
  s.model_version = o.version;
  s.max_rows = o.max_rows;
  s.instances = o.instances > 0 ? std::min(o.instances, threads) : threads;
  s.intra_op_threads = std::max(1, threads / s.instances);
  s.batching = {o.queue, o.max_batch, o.max_delay};
  s.on_worker_start = &model::SetIntraOpThreads;
  return s;
}

Result<std::shared_ptr<ModelObserver>> Observe(const ServeOptions& o, const std::string& name,
                                               const Signature& signature, const Clock* clock) {
  ObserverOptions options;
  options.drift_window = o.drift_window;
  if (!o.prediction_log.empty()) {
    PredictionLog::Options log;
    log.folder = o.prediction_log;
    log.columns = o.prediction_log_columns;
    log.sample = o.prediction_log_sample;
    log.roll = o.prediction_log_roll;
    log.folder_bytes = o.prediction_log_max_bytes;
    log.model = name;
    log.version = o.version;
    log.digest = o.digest;
    if (!o.prediction_log_store.empty()) {
      auto send = PredictionSender(o.prediction_log_store, o.prediction_log_namespace, name, &Say);
      if (!send) return send.error();
      log.send = std::move(*send);
    }
    options.log = std::move(log);
  }
  return ModelObserver::Make(o.model_folder, signature, std::move(options), clock);
}

// A model that answers its examples right, and who watches it.
struct RightModel {
  std::string name;
  std::shared_ptr<const Model> model;
  std::shared_ptr<ModelObserver> observer;
  std::size_t examples = 0;
};

// The examples are gone when it returns.
Result<RightModel> LoadRight(const ServeOptions& options, int threads, const Clock* clock) {
  try {
    auto loaded = model::LoadModel(options.model_folder, threads);
    if (!loaded) return loaded.error();
    if (auto right = model::CheckExamples(*loaded, options.max_batch); !right) return right.error();
    const std::string name = options.name.empty() ? loaded->name : options.name;
    auto observer = Observe(options, name, loaded->model->signature(), clock);
    if (!observer) return observer.error();
    return RightModel{name, loaded->model, *observer, loaded->examples.size()};
  } catch (const std::exception& e) {
    return Internal(e.what());
  }
}

// Loads, checks, publishes. True when the server is ready.
bool Load(const ServeOptions& options, int threads, int intra_op_threads, const Clock* clock,
          Inference* inference) {
  const auto begin = std::chrono::steady_clock::now();
  model::SetIntraOpThreads(intra_op_threads);
  const auto right = LoadRight(options, threads, clock);
  if (!right) {
    inference->Fail(right.error().message);
    Say("not ready: " + right.error().message);
    if (!options.termination_log.empty()) WriteEnd(options.termination_log, right.error().message);
    return false;
  }
  inference->Publish({right->name, options.version}, right->model, right->observer);
  const auto took = std::chrono::steady_clock::now() - begin;
  Say("ready: model " + right->name + ", " + std::to_string(right->examples) + " examples right, " +
      std::to_string(right->observer->watched()) + " columns watched for drift, " +
      model::DescribeBackend() + ", after " +
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms");
  return true;
}

// One of the blocked signals, or 0 after `limit`.
int WaitForSignal(const sigset_t& signals, std::chrono::milliseconds limit) {
  const timespec time = {limit.count() / 1000, (limit.count() % 1000) * 1'000'000};
  return std::max(0, sigtimedwait(&signals, nullptr, &time));
}

// Null without an endpoint.
Result<std::unique_ptr<Tracer>> MakeTracer(const ServeOptions& options) {
  if (options.otlp_endpoint.empty()) return std::unique_ptr<Tracer>();
  auto send = MakeOtlpSend(options.otlp_endpoint, std::chrono::seconds(5));
  if (!send) return send.error();
  Tracer::Options tracing;
  tracing.service = options.name.empty() ? "penstock-serve" : options.name;
  tracing.version = PenstockVersion();
  tracing.ratio = options.trace_ratio;
  return std::make_unique<Tracer>(tracing, *std::move(send));
}

// What bodies of requests may take, of all servers together.
struct Bodies {
  std::uint64_t one = 0;
  std::shared_ptr<ByteBudget> all;
};

// The model's files tell, before it is loaded, about what it will take.
Bodies BodiesOf(const ServeOptions& options) {
  std::uint64_t model_bytes = 0;
  std::error_code ignored;  // the loader says what is wrong with the folder
  namespace fs = std::filesystem;
  for (fs::recursive_directory_iterator it(options.model_folder, ignored), end; it != end;
       it.increment(ignored)) {
    const std::uint64_t size = it->is_regular_file(ignored) ? it->file_size(ignored) : 0;
    if (!ignored) model_bytes += size;
  }
  const BodyLimits limits = LimitBodies(options.max_body, MemoryLimit(), model_bytes);
  return {limits.one, std::make_shared<ByteBudget>(limits.all)};
}

// What listens. Made before the model is there, so that probes and metrics are answered.
struct Listeners {
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<HttpServer> metrics;  // may be null
#ifdef PENSTOCK_SERVE_GRPC
  std::unique_ptr<GrpcServer> grpc;  // may be null
#endif

  void SetReady([[maybe_unused]] bool ready) {
#ifdef PENSTOCK_SERVE_GRPC
    if (grpc) grpc->SetReady(ready);
#endif
  }
  [[nodiscard]] std::string DescribeGrpc() const {
#ifdef PENSTOCK_SERVE_GRPC
    if (grpc) return ", gRPC port " + std::to_string(grpc->port());
#endif
    return "";
  }
  // False when requests were still open at the end.
  [[nodiscard]] bool Finish(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    http->StopAccepting();
#ifdef PENSTOCK_SERVE_GRPC
    if (grpc) grpc->Stop(limit);
#endif
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    return http->WaitUntilIdle(std::max(left, std::chrono::milliseconds(0)));
  }
};

#ifdef PENSTOCK_SERVE_GRPC
Result<void> StartGrpc(const ServeOptions& options, const Bodies& bodies, int io_threads,
                       Inference* inference, const Clock* clock, Metrics* metrics, Tracer* tracer,
                       Listeners* listeners) {
  GrpcServer::Options asked;
  asked.address = options.address;
  asked.port = static_cast<std::uint16_t>(options.grpc_port);
  asked.limits.connections = options.max_connections;
  asked.limits.message_bytes = bodies.one;
  asked.bodies = bodies.all;
  asked.server_version = PenstockVersion();
  asked.aside_threads = io_threads;
  auto grpc = GrpcServer::Start(asked, inference, clock, metrics, tracer);
  if (!grpc) return grpc.error();
  listeners->grpc = std::move(*grpc);
  return {};
}
#else
Result<void> StartGrpc(const ServeOptions&, const Bodies&, int, Inference*, const Clock*, Metrics*,
                       Tracer*, Listeners*) {
  return Invalid("--grpc-port: this server was built without gRPC");
}
#endif

Result<Listeners> Listen(const ServeOptions& options, const Bodies& bodies, int io_threads,
                         Service* service, Metrics* metrics) {
  Listeners listeners;
  HttpServer::Options http;
  http.address = options.address;
  http.port = options.port;
  http.threads = io_threads;
  http.computes = true;
  http.busy_poll = BusyPollMoment(options.busy_poll_us, CpuQuota());
  http.limits.body_bytes = bodies.one;
  http.bodies = bodies.all;
  http.limits.connections = options.max_connections;
  auto server = HttpServer::Start(http, service, metrics);
  if (!server) return server.error();
  listeners.http = std::move(*server);
  if (options.metrics_port != 0 && options.metrics_port != options.port) {
    HttpServer::Options asked;
    asked.address = options.address;
    asked.port = options.metrics_port;
    // Probes and scrapes have no body; a flood of bodies here would be beyond the bound of all.
    asked.limits.body_bytes = 64U << 10;
    asked.limits.held_body_bytes = 1U << 20;
    auto second = HttpServer::Start(asked, service, nullptr);
    if (!second) return second.error();
    listeners.metrics = std::move(*second);
  }
  return listeners;
}

// Until a signal other than ours asks for the end; that signal.
int WaitForTheEnd(const sigset_t& signals) {
  int signal = 0;
  do {
    signal = sigwaitinfo(&signals, nullptr);
  } while (signal < 0);
  return signal;
}

int Serve(const ServeOptions& options) {
  // Blocked here and so in every thread made later; the main thread waits for them.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const int threads = options.threads > 0 ? options.threads : UsableCpus();
  const Bodies bodies = BodiesOf(options);
  // What is smaller is mostly the model's own, needed again at once.
  if (MemoryLimit()) GiveBackAtOnce(std::max<std::size_t>(1U << 20, bodies.all->most() / 4));
  const int io_threads = options.io_threads > 0 ? options.io_threads : threads;
  SystemClock clock;
  Metrics metrics;
  auto tracer = MakeTracer(options);
  if (!tracer) {
    Say(tracer.error().message);
    return kWrongUsage;
  }
  const Inference::Options inference_options = InferenceOptions(options, threads);
  Inference inference(inference_options, &clock, &metrics);
  Service service(
      {.server_version = PenstockVersion(), .body_bytes = bodies.one, .bodies = bodies.all},
      &inference, &clock, &metrics, tracer->get());
  auto listeners = Listen(options, bodies, io_threads, &service, &metrics);
  Result<void> grpc;
  if (listeners && options.grpc_port >= 0)
    grpc = StartGrpc(options, bodies, io_threads, &inference, &clock, &metrics, tracer->get(),
                     &*listeners);
  if (!listeners || !grpc) {
    Say(listeners ? grpc.error().message : listeners.error().message);
    return 1;
  }
  Say("port " + std::to_string(listeners->http->port()) + listeners->DescribeGrpc() + ", threads " +
      std::to_string(threads) + " (" + DescribeCpus(CpuQuota(), options.threads) + "), instances " +
      std::to_string(inference_options.instances) + " x " +
      std::to_string(inference_options.intra_op_threads) + ", connection threads " +
      std::to_string(io_threads) + " (as many for large bodies), busy polling " +
      std::to_string(listeners->http->busy_poll().count()) + " us, bodies of " +
      std::to_string(bodies.one) + " bytes (all together " + std::to_string(bodies.all->most()) +
      "), model digest " + (options.digest.empty() ? "unknown" : options.digest));

  std::atomic<bool> load_failed{false};
  std::thread loader([&] {
    if (Load(options, threads, inference_options.intra_op_threads, &clock, &inference))
      return listeners->SetReady(inference.state().phase == Inference::Phase::kReady);
    load_failed = true;
    if (options.exit_on_load_failure) kill(getpid(), SIGUSR1);
  });
  if (WaitForTheEnd(signals) == SIGUSR1) {
    loader.join();
    return load_failed ? kLoadFailed : 0;
  }
  Say("shutting down: unready, accepting for " + std::to_string(options.drain_delay.count()) +
      " ms more");
  inference.BeginDrain();
  listeners->SetReady(false);
  listeners->http->CloseAfterResponses();
  (void)WaitForSignal(signals, options.drain_delay);  // a second signal cuts it short
  if (!listeners->Finish(options.drain_timeout)) {
    // A model that hangs or a client that does not read: nothing is gained by waiting for either.
    Say("requests were still open after the drain time-out");
    std::_Exit(1);
  }
  loader.join();
  inference.Stop();
  return 0;
}

}  // namespace
}  // namespace penstock::serve

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = penstock::serve::ParseOptions(argc, argv, &exit_code);
  return options ? penstock::serve::Serve(*options) : exit_code;
}
