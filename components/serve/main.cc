// penstock-serve: one model behind the Open Inference Protocol V2.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <thread>

#include "components/serve/backend.h"
#include "components/serve/cpu_quota.h"
#include "components/serve/http_server.h"
#include "components/serve/model_loader.h"
#include "components/serve/options.h"
#include "components/serve/service.h"

namespace penstock::serve {
namespace {

constexpr const char* kVersion = "0.1.0";
constexpr int kLoadFailed = 3;

void Say(const std::string& line) {
  std::fprintf(stderr, "penstock-serve: %s\n", line.c_str());
  std::fflush(stderr);
}

Service::Options ServiceOptions(const ServeOptions& o, int threads) {
  Service::Options s;
  s.server_version = kVersion;
  s.instances = o.instances > 0 ? std::min(o.instances, threads) : threads;
  s.intra_op_threads = std::max(1, threads / s.instances);
  s.batching = {o.queue, o.max_batch, o.max_delay};
  s.on_worker_start = &SetIntraOpThreads;
  return s;
}

// Loads, checks, publishes. True when the server is ready.
bool Load(const ServeOptions& options, int intra_op_threads, Service* service) {
  const auto begin = std::chrono::steady_clock::now();
  SetIntraOpThreads(intra_op_threads);
  Result<LoadedModel> loaded = Internal("not loaded");
  Result<void> right;
  try {
    loaded = LoadModel(options.model_folder);
    if (loaded) right = CheckExamples(*loaded);
  } catch (const std::exception& e) {
    loaded = Internal(e.what());
  }
  if (!loaded || !right) {
    const std::string& reason = loaded ? right.error().message : loaded.error().message;
    service->Fail(reason);
    Say("not ready: " + reason);
    return false;
  }
  const std::string name = options.name.empty() ? loaded->name : options.name;
  service->Publish({name, options.version}, loaded->model);
  const auto took = std::chrono::steady_clock::now() - begin;
  Say("ready: model " + name + ", " + std::to_string(loaded->examples.size()) +
      " examples right, after " +
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms");
  return true;
}

// One of the blocked signals, or 0 after `limit`.
int WaitForSignal(const sigset_t& signals, std::chrono::milliseconds limit) {
  const timespec time = {limit.count() / 1000, (limit.count() % 1000) * 1'000'000};
  return std::max(0, sigtimedwait(&signals, nullptr, &time));
}

int Serve(const ServeOptions& options) {
  // Blocked here and so in every thread made later; the main thread waits for them.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const int threads = options.threads > 0 ? options.threads : UsableCpus();
  const int io_threads = options.io_threads > 0 ? options.io_threads : threads;
  SystemClock clock;
  Metrics metrics;
  const Service::Options service_options = ServiceOptions(options, threads);
  Service service(service_options, &clock, &metrics);
  HttpServer::Options http{options.address, options.port, io_threads, {}};
  http.limits.body_bytes = options.max_body;
  auto server = HttpServer::Start(http, &service, &metrics);
  if (!server) {
    Say(server.error().message);
    return 1;
  }
  std::unique_ptr<HttpServer> metrics_server;
  if (options.metrics_port != 0 && options.metrics_port != options.port) {
    auto second =
        HttpServer::Start({options.address, options.metrics_port, 1, {}}, &service, nullptr);
    if (!second) {
      Say(second.error().message);
      return 1;
    }
    metrics_server = std::move(*second);
  }
  Say("port " + std::to_string((*server)->port()) + ", threads " + std::to_string(threads) +
      ", instances " + std::to_string(service_options.instances) + " x " +
      std::to_string(service_options.intra_op_threads) + ", connection threads " +
      std::to_string(io_threads) + ", " + DescribeBackend() + ", model digest " +
      (options.digest.empty() ? "unknown" : options.digest));

  std::atomic<bool> load_failed{false};
  std::thread loader([&] {
    if (Load(options, service_options.intra_op_threads, &service)) return;
    load_failed = true;
    if (options.exit_on_load_failure) kill(getpid(), SIGUSR1);
  });
  int signal = 0;
  do {
    signal = sigwaitinfo(&signals, nullptr);
  } while (signal < 0);
  if (signal == SIGUSR1) {
    loader.join();
    return load_failed ? kLoadFailed : 0;
  }
  Say("shutting down: unready, accepting for " + std::to_string(options.drain_delay.count()) +
      " ms more");
  service.BeginDrain();
  (*server)->CloseAfterResponses();
  (void)WaitForSignal(signals, options.drain_delay);  // a second signal cuts it short
  (*server)->StopAccepting();
  if (!(*server)->WaitUntilIdle(options.drain_timeout)) {
    // A model that hangs or a client that does not read: nothing is gained by waiting for either.
    Say("requests were still open after the drain time-out");
    std::_Exit(1);
  }
  loader.join();
  service.Stop();
  return 0;
}

}  // namespace
}  // namespace penstock::serve

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = penstock::serve::ParseOptions(argc, argv, &exit_code);
  return options ? penstock::serve::Serve(*options) : exit_code;
}
