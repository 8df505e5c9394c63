// penstock-operator: the controllers and the gateway in one process, on one data folder.
//
// Ends with 0 after SIGTERM or SIGINT, within seconds, the lease released; with 1 when something
// that it needs is missing or leadership was lost.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/kube/api_client.h"
#include "operator/kube/resources.h"
#include "operator/kube/server_clock.h"
#include "operator/lineage/sender.h"
#include "operator/main/data_folder.h"
#include "operator/main/engine_options.h"
#include "operator/main/gateway_server.h"
#include "operator/main/library.h"
#include "operator/main/log_keeper.h"
#include "operator/main/options.h"
#include "operator/main/own_addresses.h"
#include "operator/main/parts.h"
#include "operator/main/prediction_retention.h"
#include "operator/main/store_collection.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/net/address_policy.h"
#include "operator/net/url.h"
#include "operator/os/descriptors.h"
#include "operator/retention/cluster_references.h"
#include "operator/runtime/counting_client.h"
#include "operator/runtime/event_recorder.h"
#include "operator/runtime/health_server.h"
#include "operator/runtime/leader_election.h"

namespace penstock::main {
namespace {

class Operator {
 public:
  Operator(Options options, const Clock& clock)
      : options_(std::move(options)),
        clock_(clock, [this](Milliseconds ahead) { TellClock(ahead); }),
        log_(isatty(STDERR_FILENO) != 0 ? runtime::LogFormat::kConsole : runtime::LogFormat::kJson,
             options_.log_level),
        store_(options_.data_dir / "artifacts", artifacts::Room([this] { return Space(); })),
        history_(HistoryOf(options_)),
        data_folder_(
            store_, [this] { return Space(); },
            [this](VolumeState state, const std::string& what) { TellVolume(state, what); },
            [this](const std::string& what) { log_.Write("warn", what); }) {}

  // Returns the process's exit code.
  int Run(const std::stop_token& stop) {
    auto done = Work(stop);
    if (done) return 0;
    log_.Write("error", done.error().message);
    return 1;
  }

 private:
  Result<void> Work(const std::stop_token& stop) {
    // Connections, informers and the store's files together are more than the usual 1024; fewer is
    // no reason not to serve.
    if (auto files = RaiseDescriptorLimit(); !files) log_.Write("warn", files.error().message);
    auto config = kube::LoadConfig({options_.kubeconfig, ""});
    if (!config) return config.error();
    if (options_.library_namespace.empty()) options_.library_namespace = config->namespace_;
    if (options_.lease_namespace.empty()) options_.lease_namespace = config->namespace_;
    if (auto ok = runtime::CheckLeaderSettings(LeaseOf(options_)); !ok) return ok;
    auto client = kube::ApiClient::Make(*config, clock_,
                                        [this](std::string_view date) { clock_.Note(date); });
    if (!client) return client.error();
    api_ = std::move(*client);
    // Here, so that events, leases and token reviews are counted too.
    client_ = std::make_unique<runtime::CountingClient>(
        *api_, [this](auto verb, auto kind) { metrics_.ApiWrite(verb, kind); });
    if (auto ok = MakePolicy(*config, stop); !ok) return ok;
    PENSTOCK_ASSIGN(lineage_post_, LineagePostOf(options_));
    if (auto ok = StartHealth(); !ok) return ok;
    // Any answer has the API server's time, by which certificates are made; a server that is away
    // is no reason not to serve.
    static_cast<void>(client_->Get(kube::kLeases, options_.lease_namespace, "penstock-operator",
                                   {.stop = stop, .timeout = std::chrono::seconds(5)}));
    if (auto ok = OpenStores(); !ok) return ok;
    const std::jthread keeper([this](const std::stop_token& ended) {
      TellStores();
      data_folder_.Keep(ended);
    });
    MakeKeeper();
    auto gateway = StartGateway(options_, store_, Api(*config), *client_, clock_, log_);
    if (!gateway) return gateway.error();
    gateway_ = std::move(*gateway);
    serving_ = true;
    OpenHistory();
    if (!options_.leader_elect) {
      Lead(*client_, stop);
      return {};
    }
    return Elect(stop);
  }

  // Before anything uses store_.
  Result<void> OpenStores() {
    PENSTOCK_ASSIGN(store_, WithBuckets(options_, store_, clock_));
    if (!options_.store_quotas.Any()) return {};
    quota_ = std::make_unique<artifacts::QuotaObjects>(
        store_.shared_objects(), options_.store_quotas,
        artifacts::QuotaObjects::Hears{
            [this](const artifacts::QuotaUse& use) { TellQuota(use); },
            [this](const std::string& ns, const Error& error) {
              log_.Write("warn", "what namespace " + ns +
                                     " holds of artifacts is not counted: " + error.message);
            }});
    // Borrowed: its thread tells us, so that it must end before we do.
    store_ = store_.Behind(
        std::shared_ptr<const artifacts::Objects>(std::shared_ptr<void>(), quota_.get()));
    return {};
  }

  void TellQuota(const artifacts::QuotaUse& use) {
    log_.Write(use.Level() == artifacts::QuotaLevel::kRoom ? "info" : "warn", WordsOf(use));
    const std::lock_guard lock(mutex_);
    SendQuotaEvent(use);
  }

  // With mutex_ held; again when this process begins to lead.
  void SendQuotaEvent(const artifacts::QuotaUse& use) {
    if (use.Level() == artifacts::QuotaLevel::kRoom) return;
    const bool full = use.Level() == artifacts::QuotaLevel::kFull;
    SendOwnEvent("Warning", full ? "StoreQuotaFull" : "StoreQuotaNearlyFull", WordsOf(use));
  }

  // Its references are read by our own account, also while another process leads.
  void MakeKeeper() {
    references_ = std::make_unique<retention::ClusterReferences>(
        *client_, metadata::Query(history_), clock_, options_.gc_keep_cache,
        options_.library_namespace);
    keeper_ = std::make_unique<retention::StoreKeeper>(
        store_, *references_, clock_, KeeperSettingsOf(options_, *client_),
        [this](const artifacts::Collected& collected) { TellCollected(collected); });
  }

  // To the log, the metrics and, where something was removed or was not looked at, as an event.
  void TellCollected(const artifacts::Collected& collected) {
    const CollectedWords words = WordsOf(collected);
    log_.Write(words.failed ? "warn" : "info", words.text,
               Json{{"storeCollection", artifacts::Report(collected)}});
    metrics_.Collected(CountsOf(collected, clock_.Now()));
    if (quota_ != nullptr && collected.Removed().files != 0) quota_->CountAgain();
    if (!words.failed && collected.Removed().files == 0) return;
    const std::lock_guard lock(mutex_);
    SendOwnEvent(words.failed ? "Warning" : "Normal",
                 words.failed ? "StoreNotCollected" : "StoreCollected", words.text);
  }

  // What is wrong with a store's keys or name is told now, and not by the first step that ends.
  void TellStores() const {
    const auto seen = store_.Look();
    if (!seen) log_.Write("error", "the artifact store does not answer: " + seen.error().message);
    if (seen && !seen->empty()) log_.Write("info", "artifacts stand in " + *seen);
  }

  // Which addresses are asked for users.
  Result<void> MakePolicy(const kube::ClusterConfig& config, const std::stop_token& stop) {
    auto server = net::ParseUrl(config.server);
    if (!server) return Wrap("the API server", server.error());
    own_addresses_ = std::make_unique<OwnAddresses>(*client_, clock_, options_.lease_namespace,
                                                    server->host, stop);
    PENSTOCK_ASSIGN(net::AddressPolicy::Rules rules, AddressRules(options_));
    rules.own = [this] { return own_addresses_->Get(); };
    policy_ = std::make_unique<net::AddressPolicy>(std::move(rules));
    return {};
  }

  void TellClock(Milliseconds ahead) {
    const auto by = std::chrono::round<std::chrono::seconds>(std::chrono::abs(ahead));
    log_.Write("warn", "the API server's clock is " + FormatDuration(by) +
                           (ahead.count() < 0 ? " behind" : " ahead of") +
                           " this machine's; ages are told by the API server's");
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
      if (engine_ != nullptr) TellOfEngine(*engine_, metrics_);
      metrics_.HistoryOpen(recorder_ != nullptr && recorder_->is_open());
    }
    if (const auto space = Space()) metrics_.Volume(*space);
    if (serving_ && quota_ != nullptr) metrics_.Quotas(GaugesOf(quota_->Used()));
    metrics_.Process();
    return metrics_.Text();
  }

  // People read by our own account, once the API server has said that they may, and write with
  // their own token or under their own name.
  [[nodiscard]] ApiSettings Api(const kube::ClusterConfig& config) {
    ApiSettings api;
    api.history = history_;
    api.page = options_.page_dir;
    api.keeper = keeper_.get();
    api.tell_of_hook = [this](const Json& pipeline, const std::string& what) {
      TellOfHook(pipeline, what);
    };
    api.place.namespaces = options_.namespaces;
    api.place.stands = [this](const std::string& ns, const std::string& name,
                              const std::string& uid) -> std::optional<bool> {
      const std::lock_guard lock(mutex_);
      if (engine_ == nullptr) return std::nullopt;
      return engine_->Stands(ns, name, uid);
    };
    api.environment = Environment();
    api.client_for = [this, config](const gateway::Caller& caller) {
      return ClientOf(caller, config, clock_);
    };
    return api;
  }

  // To the log, and as an event of the Pipeline while this process leads.
  void TellOfHook(const Json& pipeline, const std::string& what) {
    const api::ObjectMeta meta = api::DecodePipeline(pipeline).value.meta;
    log_.Write("warn", "the Pipeline " + meta.namespace_ + "/" + meta.name + ": " + what);
    const std::lock_guard lock(mutex_);
    if (events_ == nullptr) return;
    events_->Record({api::kApiVersion, "Pipeline", meta.namespace_, meta.name, meta.uid, "",
                     "Warning", "WebhookKeyMissing", what});
  }

  void OpenHistory() {
    metadata::BatchRecorderOptions history;
    history.database = history_;
    history.warn = [this](const std::string& what) { log_.Write("warn", what); };
    history.on_lost = [this] {
      const std::lock_guard lock(mutex_);
      if (engine_ != nullptr) engine_->RecordAll();
    };
    auto recorder = metadata::BatchRecorder::Open(std::move(history), clock_);
    const std::lock_guard lock(mutex_);
    recorder_ = std::move(recorder);
  }

  Result<void> Elect(const std::stop_token& stop) {
    runtime::LeaderElector elector(*client_, LeaseOf(options_), clock_,
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
      events_ = &events;
      SendVolumeEvent();
      if (quota_ != nullptr)
        for (const auto uses = quota_->Used(); const auto& use : uses) SendQuotaEvent(use);
      auto options =
          EngineOptionsOf(options_, gateway_->certificates->CaPem(), log_, metrics_, events);
      options.settings.story_of = [history = metadata::Query(history_)](const std::string& ns,
                                                                        const std::string& run) {
        return history.StoryOf(ns, run);
      };
      options.settings.may_ask = std::bind_front(&net::AddressPolicy::Check, policy_.get());
      engine_ = std::make_unique<controllers::Engine>(client, store_, *recorder_, clock_,
                                                      std::move(options));
      engine_->Start();
    }
    const std::jthread library([&] {
      if (options_.library_dir.empty()) return;
      InstallLibrary(client, options_.library_namespace, options_.library_dir, log_, stop);
    });
    const std::jthread logs([&] {
      KeepLogs(client, metadata::Query(history_), artifacts::LogStore(store_.root(), store_.room()),
               log_, stop);
    });
    const std::jthread retention(
        [&] { KeepRetention(client, artifacts::PredictionStore(store_.root()), log_, stop); });
    const std::jthread collection([&] { keeper_->KeepUp(stop); });
    const std::jthread lineage([&] { TellLineage(stop); });
    std::mutex idle;
    std::unique_lock lock(idle);
    std::condition_variable_any().wait(lock, stop, [] { return false; });
    metrics_.Leading(false);
    engine_->Stop();
    const std::lock_guard guard(mutex_);
    events_ = nullptr;
    engine_.reset();
  }

  // What runs do, to an OpenLineage server, where one is named. Its URL was read at the start.
  void TellLineage(const std::stop_token& stop) {
    if (!lineage_post_) return;
    lineage::SenderSettings settings = LineageSettings(options_, history_, lineage_post_, metrics_);
    settings.warn = [this](const std::string& what) { log_.Write("warn", what); };
    lineage::Sender(clock_, std::move(settings)).Follow(stop);
  }

  [[nodiscard]] Result<VolumeSpace> Space() const { return SpaceOf(options_.data_dir); }

  // To the log, and as an event of our own pod, which is the one object that stands for the volume.
  void TellVolume(VolumeState state, const std::string& what) {
    log_.Write(state == VolumeState::kRoom ? "info" : "warn", what);
    const std::lock_guard lock(mutex_);
    volume_ = {state, what};
    SendVolumeEvent();
  }

  // With mutex_ held; again when this process begins to lead, which is who writes events.
  void SendVolumeEvent() {
    const auto& [state, what] = volume_;
    if (state == VolumeState::kRoom) return;
    SendOwnEvent("Warning", state == VolumeState::kFull ? "VolumeFull" : "VolumeNearlyFull", what);
  }

  // Of our own pod, with mutex_ held.
  void SendOwnEvent(const char* type, const char* reason, const std::string& what) {
    const char* uid = std::getenv("POD_UID");
    if (uid == nullptr || events_ == nullptr) return;
    events_->Record(
        {"v1", "Pod", options_.lease_namespace, HostName(), uid, "", type, reason, what});
  }

  Options options_;
  kube::ServerClock clock_;
  runtime::Log log_;
  runtime::Metrics metrics_;
  artifacts::Store store_;
  metadata::DatabasePtr history_;
  DataFolder data_folder_;
  std::unique_ptr<kube::Client> api_;
  std::unique_ptr<runtime::CountingClient> client_;
  std::unique_ptr<OwnAddresses> own_addresses_;
  std::unique_ptr<net::AddressPolicy> policy_;
  std::unique_ptr<retention::ClusterReferences> references_;
  lineage::Post lineage_post_;  // none: nobody is told
  std::mutex mutex_;  // guards engine_, recorder_ and events_ against those who ask from outside
  // Behind mutex_, which its thread takes until it has ended; before engine_, which writes to it.
  std::unique_ptr<metadata::BatchRecorder> recorder_;
  std::unique_ptr<controllers::Engine> engine_;
  runtime::EventRecorder* events_ = nullptr;                            // while this process leads
  std::pair<VolumeState, std::string> volume_{VolumeState::kRoom, ""};  // as last told
  std::unique_ptr<artifacts::QuotaObjects> quota_;  // behind what it tells; null: no quotas
  std::unique_ptr<retention::StoreKeeper> keeper_;  // behind what it tells, before the gateway
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
