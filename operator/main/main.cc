// penstock-operator: the controllers and the gateway in one process, on one data folder.
//
// Ends with 0 after SIGTERM or SIGINT, within seconds, the lease released; with 1 when something
// that it needs is missing or leadership was lost.
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <random>
#include <thread>

#include "operator/base/json.h"
#include "operator/controllers/counting_client.h"
#include "operator/controllers/engine.h"
#include "operator/controllers/library.h"
#include "operator/controllers/prediction_retention.h"
#include "operator/gateway/artifact_routes.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/https_server.h"
#include "operator/gateway/token_review.h"
#include "operator/kube/api_client.h"
#include "operator/main/options.h"
#include "operator/metadata/sqlite_recorder.h"
#include "operator/runtime/event_recorder.h"
#include "operator/runtime/health_server.h"
#include "operator/runtime/leader_election.h"
#include "operator/runtime/log.h"
#include "operator/runtime/metrics.h"

namespace penstock::controllers {
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
    client_ = std::make_unique<CountingClient>(
        *api_, [this](auto verb, auto kind) { metrics_.ApiWrite(verb, kind); });
    if (auto ok = StartHealth(); !ok) return ok;
    if (auto left = store_.RemoveLeftovers(std::chrono::hours(24)); !left) {
      log_.Write("warn", left.error().message);
    }
    if (auto ok = StartGateway(); !ok) return ok;
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
    auto server = runtime::HealthServer::Start(
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

  Result<void> StartGateway() {
    gateway::CertificateOptions names;
    names.folder = options_.data_dir / "certificates";
    if (const auto host = HostOf(options_.gateway_url); !host.empty()) AddName(names, host);
    for (const auto& name : options_.gateway_names) AddName(names, name);
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
    auto started = gateway::HttpsServer::Start(std::move(server), router_);
    if (!started) return started.error();
    gateway_ = std::move(*started);
    serving_ = true;
    log_.Write("info", "the gateway listens on port " + std::to_string(gateway_->port()));
    return {};
  }

  static void AddName(gateway::CertificateOptions& names, const std::string& name) {
    const bool address = name.find_first_not_of("0123456789.") == std::string::npos ||
                         name.find(':') != std::string::npos;
    (address ? names.addresses : names.dns_names).push_back(name);
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
    EngineOptions engine = EngineSettings();
    engine.hooks.event = [&events](const EventNote& note) {
      const std::string group(note.type->group);
      events.Record({group.empty() ? std::string(note.type->version)
                                   : group + "/" + std::string(note.type->version),
                     std::string(note.type->kind), note.ns, note.name, note.uid,
                     note.resource_version, note.event_type, note.reason, note.message});
    };
    {
      const std::lock_guard lock(mutex_);
      engine_ = std::make_unique<Engine>(client, store_, *recorder_, clock_, std::move(engine));
      engine_->Start();
    }
    const std::jthread library([&] { InstallLibrary(client, stop); });
    const std::jthread retention([&] { KeepRetention(client, stop); });
    std::mutex idle;
    std::unique_lock lock(idle);
    std::condition_variable_any().wait(lock, stop, [] { return false; });
    metrics_.Leading(false);
    engine_->Stop();
    const std::lock_guard guard(mutex_);
    engine_.reset();
  }

  // Until it is done or stopped: the CRDs may be younger than this process.
  void InstallLibrary(kube::Client& client, const std::stop_token& stop) {
    constexpr auto kBetweenAttempts = std::chrono::seconds(2);
    std::mutex idle;
    std::string told;
    while (!options_.library_dir.empty() && !stop.stop_requested()) {
      const auto report =
          CreateLibrary(client, options_.library_namespace, options_.library_dir, {.stop = stop});
      if (report) {
        for (const auto& name : report->created) log_.Write("info", "created Component " + name);
        for (const auto& name : report->different) {
          log_.Write("warn", "Component " + name +
                                 " is not the library's of that version and was left as it is; "
                                 "delete it to have the library's made");
        }
        return;
      }
      if (report.error().message != told) log_.Write("warn", report.error().message);
      told = report.error().message;
      std::unique_lock lock(idle);
      std::condition_variable_any().wait_for(lock, stop, kBetweenAttempts, [] { return false; });
    }
  }

  // Looks every hour until stopped.
  void KeepRetention(kube::Client& client, const std::stop_token& stop) {
    const artifacts::PredictionStore predictions(store_.root());
    std::mutex idle;
    while (!stop.stop_requested()) {
      const auto removed = RemoveOldPredictions(client, predictions, {.stop = stop});
      if (!removed && removed.error().kind != ErrorKind::kCancelled)
        log_.Write("warn", "old predictions were not all removed: " + removed.error().message);
      if (removed && *removed > 0)
        log_.Write("info", "removed " + std::to_string(*removed) + " old prediction files");
      std::unique_lock lock(idle);
      std::condition_variable_any().wait_for(lock, stop, std::chrono::hours(1),
                                             [] { return false; });
    }
  }

  EngineOptions EngineSettings() {
    EngineOptions engine;
    engine.namespaces = options_.namespaces;
    engine.workers = options_.workers;
    engine.settings.library_namespace = options_.library_namespace;
    engine.settings.library_image = options_.components_image;
    engine.settings.serve_image = options_.serve_image;
    engine.settings.pods.launcher_image = options_.launcher_image;
    engine.settings.pods.store.url = options_.gateway_url;
    engine.settings.pods.store.ca_pem = certificates_->CaPem();
    engine.hooks.log = [this](const std::string& level, const std::string& line) {
      log_.Write(level, line);
    };
    engine.hooks.reconciled = [this](const auto& controller, auto took, const auto& outcome) {
      metrics_.Reconciled(controller, took, outcome);
    };
    engine.hooks.handoff = [this](Milliseconds took) { metrics_.Handoff(took); };
    return engine;
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
  std::unique_ptr<CountingClient> client_;
  std::unique_ptr<metadata::SqliteRecorder> recorder_;
  std::mutex mutex_;  // guards engine_ against those who ask it from other threads
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<gateway::Certificates> certificates_;
  std::unique_ptr<gateway::TokenReviewAuthenticator> authenticator_;
  gateway::Router router_;
  std::atomic<bool> serving_ = false;
  std::unique_ptr<gateway::HttpsServer> gateway_;
  std::unique_ptr<runtime::HealthServer> health_;
};

}  // namespace
}  // namespace penstock::controllers

int main(int argc, char** argv) {
  const auto parsed = penstock::controllers::ParseOptions(argc, argv);
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
  penstock::controllers::Operator program(std::get<penstock::controllers::Options>(parsed), clock);
  return program.Run(stop.get_token());
}
