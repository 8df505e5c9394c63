// penstock-operator: the controllers and the gateway in one process, on one data folder.
//
// Ends with 0 after SIGTERM or SIGINT, within seconds, the lease released; with 1 when something
// that it needs is missing or leadership was lost.
#include <signal.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "operator/controllers/counting_client.h"
#include "operator/kube/api_client.h"
#include "operator/main/engine_options.h"
#include "operator/main/gateway_server.h"
#include "operator/main/library.h"
#include "operator/main/options.h"
#include "operator/main/prediction_retention.h"
#include "operator/metadata/sqlite_recorder.h"
#include "operator/runtime/event_recorder.h"
#include "operator/runtime/health_server.h"
#include "operator/runtime/leader_election.h"

namespace penstock::main {
namespace {

class Operator {
 public:
  Operator(Options options, const Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        log_(isatty(STDERR_FILENO) != 0 ? runtime::LogFormat::kConsole : runtime::LogFormat::kJson,
             options_.log_level),
        store_(options_.data_dir / "artifacts") {}

  // Returns the process's exit code.
  int Run(const std::stop_token& stop) {
    auto done = Work(stop);
    if (done) return 0;
    log_.Write("error", done.error().message);
    return 1;
  }

 private:
  Result<void> Work(const std::stop_token& stop) {
    auto config = kube::LoadConfig({options_.kubeconfig, ""});
    if (!config) return config.error();
    if (options_.library_namespace.empty()) options_.library_namespace = config->namespace_;
    if (options_.lease_namespace.empty()) options_.lease_namespace = config->namespace_;
    auto client = kube::ApiClient::Make(*config, clock_);
    if (!client) return client.error();
    api_ = std::move(*client);
    // Here, so that events, leases and token reviews are counted too.
    client_ = std::make_unique<controllers::CountingClient>(
        *api_, [this](auto verb, auto kind) { metrics_.ApiWrite(verb, kind); });
    if (auto ok = StartHealth(); !ok) return ok;
    if (auto left = store_.RemoveLeftovers(std::chrono::hours(24)); !left) {
      log_.Write("warn", left.error().message);
    }
    auto gateway = StartGateway(options_, store_, *client_, clock_, log_);
    if (!gateway) return gateway.error();
    gateway_ = std::move(*gateway);
    serving_ = true;
    if (auto ok = OpenHistory(); !ok) return ok;
    if (!options_.leader_elect) {
      Lead(*client_, stop);
      return {};
    }
    return Elect(stop);
  }

  Result<void> StartHealth() {
    runtime::HealthChecks checks;
    checks.ready = [this]() -> Result<void> {
      if (!serving_) return Transient("the gateway does not listen yet");
      const std::lock_guard lock(mutex_);
      if (engine_ == nullptr || engine_->IsReady()) return {};  // a standby is ready to take over
      return Transient("the first lists of objects are being read");
    };
    checks.metrics = [this] { return Metrics(); };
    auto server = runtime::StartHealthServer(
        "0.0.0.0", static_cast<std::uint16_t>(options_.metrics_port), std::move(checks));
    if (!server) return server.error();
    health_ = std::move(*server);
    return {};
  }

  std::string Metrics() {
    {
      const std::lock_guard lock(mutex_);
      if (engine_ != nullptr) {
        metrics_.Informers(engine_->informers());
        for (const auto& [controller, keys] : engine_->queued()) metrics_.Queued(controller, keys);
      }
    }
    metrics_.Process();
    return metrics_.Text();
  }

  Result<void> OpenHistory() {
    metadata::SqliteRecorderOptions history;
    history.path = options_.data_dir / "metadata.sqlite";
    history.warn = [this](const std::string& what) { log_.Write("warn", what); };
    history.on_lost = [this] {
      const std::lock_guard lock(mutex_);
      if (engine_ != nullptr) engine_->RecordAll();
    };
    auto opened = metadata::SqliteRecorder::Open(std::move(history), clock_);
    if (!opened) return opened.error();
    recorder_ = std::move(*opened);
    return {};
  }

  Result<void> Elect(const std::stop_token& stop) {
    runtime::LeaderSettings lease;
    lease.ns = options_.lease_namespace;
    lease.identity = Identity();
    runtime::LeaderElector elector(*client_, lease, clock_,
                                   [this](const std::string& what) { log_.Write("info", what); });
    runtime::LeaderGuardedClient guarded(*client_, [&elector] { return elector.IsLeading(); });
    const auto end =
        elector.Run(stop, [&](const std::stop_token& leading) { Lead(guarded, leading); });
    if (end == runtime::LeaderElector::End::kStopped) return {};
    return Transient("leadership was lost; the process ends and may be started again");
  }

  // Runs the controllers until stopped.
  void Lead(kube::Client& client, const std::stop_token& stop) {
    metrics_.Leading(true);
    runtime::EventRecorder events(client, clock_, Identity(), [this] { metrics_.EventDropped(); });
    {
      const std::lock_guard lock(mutex_);
      engine_ = std::make_unique<controllers::Engine>(
          client, store_, *recorder_, clock_,
          EngineOptionsOf(options_, gateway_->certificates->CaPem(), log_, metrics_, events));
      engine_->Start();
    }
    const std::jthread library([&] {
      if (options_.library_dir.empty()) return;
      InstallLibrary(client, options_.library_namespace, options_.library_dir, log_, stop);
    });
    const std::jthread retention(
        [&] { KeepRetention(client, artifacts::PredictionStore(store_.root()), log_, stop); });
    std::mutex idle;
    std::unique_lock lock(idle);
    std::condition_variable_any().wait(lock, stop, [] { return false; });
    metrics_.Leading(false);
    engine_->Stop();
    const std::lock_guard guard(mutex_);
    engine_.reset();
  }

  static std::string Identity() {
    char host[256] = "penstock-operator";
    static_cast<void>(::gethostname(host, sizeof(host) - 1));
    static const unsigned random = std::random_device{}();
    return std::string(host) + "-" + std::to_string(random);
  }

  Options options_;
  const Clock& clock_;
  runtime::Log log_;
  runtime::Metrics metrics_;
  artifacts::Store store_;
  std::unique_ptr<kube::Client> api_;
  std::unique_ptr<controllers::CountingClient> client_;
  std::unique_ptr<metadata::SqliteRecorder> recorder_;
  std::mutex mutex_;  // guards engine_ against those who ask it from other threads
  std::unique_ptr<controllers::Engine> engine_;
  std::unique_ptr<GatewayServer> gateway_;
  std::atomic<bool> serving_ = false;  // gateway_ stands; for other threads
  std::unique_ptr<net::HttpServer> health_;
};

}  // namespace
}  // namespace penstock::main

int main(int argc, char** argv) {
  const auto parsed = penstock::main::ParseOptions(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  // Blocked before any thread starts, so that the thread below gets them all.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  std::stop_source stop;
  std::thread([signals, stop]() mutable {
    int received = 0;
    sigwait(&signals, &received);
    stop.request_stop();
  }).detach();
  const penstock::SystemClock clock;
  penstock::main::Operator program(std::get<penstock::main::Options>(parsed), clock);
  return program.Run(stop.get_token());
}
