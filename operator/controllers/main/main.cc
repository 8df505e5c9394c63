// penstock-operator: controllers and gateway in one process.
//
//   options -> client -> store, certificates, gateway, metrics -> leader election -> Engine
//
// The gateway serves whether this process leads or not; only the Engine waits for the lease.
// SIGTERM stops the Engine, gives the lease back and ends within seconds. A lost lease ends the
// process: who comes back starts from what the API server and the store hold.
#include <condition_variable>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/controllers/counting_client.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/main/options.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/https_server.h"
#include "operator/gateway/router.h"
#include "operator/gateway/token_review.h"
#include "operator/kube/api_client.h"
#include "operator/kube/config.h"
#include "operator/metadata/sqlite_recorder.h"
#include "operator/runtime/event_recorder.h"
#include "operator/runtime/health_server.h"
#include "operator/runtime/leader_election.h"
#include "operator/runtime/log.h"
#include "operator/runtime/metrics.h"

namespace penstock::controllers {
namespace {

constexpr int kLeaseLost = 4;

std::string Identity(const Clock& clock) {
  const char* pod = std::getenv("HOSTNAME");
  const auto unique = std::to_string(clock.Steady().time_since_epoch().count());
  return std::string(pod == nullptr ? "penstock" : pod) + "_" + Sha256Hex(unique).substr(0, 8);
}

// Everything the process owns, in the order in which it is made; torn down in reverse.
class Process {
 public:
  explicit Process(Options options)
      : options_(std::move(options)),
        log_(runtime::LogFormat::kJson, options_.log_level),
        store_(options_.data_dir / "artifacts") {}

  Result<int> Run(const std::stop_token& stop) {
    auto config = kube::LoadConfig({options_.kubeconfig, ""});
    if (!config) return config.error();
    if (options_.library_namespace.empty()) options_.library_namespace = config->namespace_;
    if (options_.lease_namespace.empty()) options_.lease_namespace = config->namespace_;
    auto client = kube::ApiClient::Make(*config, clock_);
    if (!client) return client.error();
    client_ = std::move(*client);
    if (auto started = StartGateway(); !started) return started.error();
    if (auto started = StartHealth(); !started) return started.error();
    if (!options_.leader_elect) {
      auto worked = Work(stop, [] { return true; });
      return worked ? Result<int>(0) : worked.error();
    }
    return Lead(stop);
  }

 private:
  Result<void> StartGateway() {
    std::error_code ec;
    std::filesystem::create_directories(options_.data_dir, ec);
    gateway::CertificateOptions names{options_.data_dir / "pki", {}, {}};
    names.dns_names = options_.gateway_names;
    names.dns_names.push_back(HostOf(options_.gateway_url));
    auto certificates = gateway::Certificates::Open(names, clock_);
    if (!certificates) return certificates.error();
    certificates_ = std::move(*certificates);
    authenticator_ = std::make_unique<gateway::TokenReviewAuthenticator>(*client_, clock_);
    gateway::AddArtifactRoutes(router_, {&store_, authenticator_.get(), 0});
    gateway::HttpsServerOptions server;
    server.address = options_.gateway_address;
    server.port = static_cast<std::uint16_t>(options_.gateway_port);
    server.tls = [this] { return certificates_->Current(); };
    server.on_error = [this](const std::string& what) { log_.Write("warn", what); };
    auto gateway = gateway::HttpsServer::Start(server, router_);
    if (!gateway) return gateway.error();
    gateway_ = std::move(*gateway);
    return {};
  }

  Result<void> StartHealth() {
    runtime::HealthChecks checks;
    checks.ready = [this]() -> Result<void> {
      if (failed_.load()) return Internal("the operator is stopping");
      const std::lock_guard lock(mutex_);
      // A standby is ready too: it serves artifacts and takes over when the leader goes.
      if (engine_ == nullptr || engine_->IsReady()) return {};
      return Transient("the caches are not filled yet");
    };
    checks.metrics = [this] { return metrics_.Text(); };
    auto health = runtime::HealthServer::Start(
        "0.0.0.0", static_cast<std::uint16_t>(options_.metrics_port), checks);
    if (!health) return health.error();
    health_ = std::move(*health);
    return {};
  }

  Result<int> Lead(const std::stop_token& stop) {
    runtime::LeaderSettings settings;
    settings.ns = options_.lease_namespace;
    settings.identity = Identity(clock_);
    if (auto good = runtime::CheckLeaderSettings(settings); !good) return good.error();
    runtime::LeaderElector elector(*client_, settings, clock_,
                                   [this](const std::string& what) { log_.Write("info", what); });
    std::optional<Error> failure;
    const auto end = elector.Run(stop, [&](std::stop_token work) {
      auto worked = Work(work, [&elector] { return elector.IsLeading(); });
      if (!worked) failure = worked.error();
    });
    failed_ = true;
    if (failure) return *failure;
    if (end == runtime::LeaderElector::End::kStopped) return 0;
    log_.Write("error", "the lease was lost; ending, so that only one process writes");
    return kLeaseLost;
  }

  void SetEngine(Engine* engine) {
    const std::lock_guard lock(mutex_);
    engine_ = engine;
  }

  // Runs the Engine until told to stop; it writes only while `leading`.
  Result<void> Work(const std::stop_token& stop, std::function<bool()> leading) {
    metrics_.Leading(true);
    runtime::LeaderGuardedClient guarded(*client_, std::move(leading));
    CountingClient counting(guarded, [this](std::string_view verb, std::string_view kind) {
      metrics_.ApiWrite(verb, kind);
    });
    runtime::EventRecorder events(counting, clock_, Identity(clock_),
                                  [this] { metrics_.EventDropped(); });
    metadata::SqliteRecorderOptions file{options_.data_dir / "metadata.db"};
    file.warn = [this](const std::string& what) { log_.Write("warn", what); };
    file.on_lost = [this] {
      const std::lock_guard lock(mutex_);
      if (engine_ != nullptr) engine_->RecordAll();
    };
    auto recorder = metadata::SqliteRecorder::Open(file, clock_);
    if (!recorder) return recorder.error();
    Engine engine(counting, store_, **recorder, clock_, EngineOptionsFor(events));
    SetEngine(&engine);
    engine.Start();
    log_.Write("info", "controllers started");
    {
      std::mutex mutex;
      std::condition_variable_any ended;
      std::unique_lock lock(mutex);
      ended.wait(lock, stop, [] { return false; });
    }
    failed_ = true;
    SetEngine(nullptr);
    engine.Stop();
    metrics_.Leading(false);
    return {};
  }

  EngineOptions EngineOptionsFor(runtime::EventRecorder& events) {
    EngineOptions o;
    o.namespaces = options_.namespaces;
    o.workers = options_.workers;
    o.settings.pods.store.url = options_.gateway_url;
    o.settings.pods.store.ca_pem = certificates_->CaPem();
    o.settings.pods.launcher_image = options_.launcher_image;
    o.settings.library_namespace = options_.library_namespace;
    o.settings.serve_image = options_.serve_image;
    o.hooks.log = [this](const std::string& level, const std::string& line) {
      log_.Write(level, line);
    };
    o.hooks.reconciled = [this](const std::string& controller, std::chrono::nanoseconds took,
                                const std::string& outcome) {
      metrics_.Reconciled(controller, took, outcome);
    };
    o.hooks.handoff = [this](Milliseconds took) { metrics_.Handoff(took); };
    o.hooks.event = [&events](EventNote n) {
      const std::string group(n.type->group);
      events.Record({group.empty() ? std::string(n.type->version)
                                   : group + "/" + std::string(n.type->version),
                     std::string(n.type->kind), n.ns, n.name, n.uid, n.resource_version,
                     n.event_type, n.reason, n.message});
    };
    return o;
  }

  Options options_;
  SystemClock clock_;
  runtime::Log log_;
  runtime::Metrics metrics_;
  artifacts::Store store_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  Engine* engine_ = nullptr;  // while it runs
  std::unique_ptr<kube::ApiClient> client_;
  std::unique_ptr<gateway::Certificates> certificates_;
  std::unique_ptr<gateway::Authenticator> authenticator_;
  gateway::Router router_;
  std::unique_ptr<gateway::HttpsServer> gateway_;
  std::unique_ptr<runtime::HealthServer> health_;
};

int Main(int argc, char** argv) {
  auto parsed = ParseOptions(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  // SIGTERM and SIGINT are waited for by one thread; all others inherit the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::stop_source stop;
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.request_stop();
  });
  Process process(std::get<Options>(std::move(parsed)));
  const auto ended = process.Run(stop.get_token());
  pthread_kill(waiter.native_handle(), SIGUSR1);  // ends the waiter if no signal has
  waiter.join();
  if (ended) return *ended;
  std::cerr << "penstock-operator: " << ended.error().message << "\n";
  return 1;
}

}  // namespace
}  // namespace penstock::controllers

int main(int argc, char** argv) { return penstock::controllers::Main(argc, argv); }
