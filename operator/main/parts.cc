#include "operator/main/parts.h"

#include <unistd.h>

#include <random>

#include "operator/api/codec.h"
#include "operator/artifacts/folder_objects.h"
#include "operator/artifacts/s3/store_settings.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/gateway/api/cluster_acting.h"
#include "operator/kube/resources.h"
#include "operator/metadata/postgres/postgres_database.h"

namespace penstock::main {

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t mark = text.find('=');
    if (mark != std::string::npos) out[text.substr(0, mark)] = text.substr(mark + 1);
  }
  return out;
}

std::string HostName() {
  char host[256] = "penstock-operator";
  static_cast<void>(::gethostname(host, sizeof(host) - 1));
  return host;
}

std::string Identity() {
  static const unsigned kRandom = std::random_device{}();
  return HostName() + "-" + std::to_string(kRandom);
}

metadata::DatabasePtr HistoryOf(const Options& options) {
  if (options.metadata_postgres.empty())
    return metadata::SqliteFile(options.data_dir / "metadata.sqlite");
  return metadata::PostgresServerDatabase(
      {options.metadata_postgres, options.metadata_postgres_ca});
}

Result<artifacts::Store> WithBuckets(const Options& options, artifacts::Store store,
                                     const Clock& clock) {
  if (options.stores.empty()) return store;
  const auto text = ReadFile(options.stores, 1 << 20);
  if (!text) return Wrap("--stores", text.error());
  PENSTOCK_ASSIGN(const auto settings, artifacts::ParseStores(*text, options.stores.string()));
  const std::filesystem::path root = store.root();
  const artifacts::Room room = store.room();
  auto objects =
      artifacts::MakeObjects(settings, std::make_shared<artifacts::FolderObjects>(root, room),
                             root / ".stores" / "tmp", Environment(), clock);
  if (!objects) return Wrap(options.stores.string(), objects.error());
  return artifacts::Store(root, room, *std::move(objects));
}

Result<net::AddressPolicy::Rules> AddressRules(const Options& options) {
  auto deny = net::ParseRanges(options.source_deny);
  if (!deny) return Wrap("--source-deny", deny.error());
  auto allow = net::ParseRanges(options.source_allow);
  if (!allow) return Wrap("--source-allow", allow.error());
  net::AddressPolicy::Rules rules;
  rules.deny = *std::move(deny);
  rules.allow = *std::move(allow);
  return rules;
}

Result<std::unique_ptr<kube::Client>> ClientOf(const gateway::Caller& caller,
                                               const kube::ClusterConfig& config,
                                               const Clock& clock) {
  kube::ClusterConfig own;
  if (caller.token.empty()) {
    own = config;
    PENSTOCK_ASSIGN(own.impersonation, gateway::Impersonation(caller));
  }
  own.server = config.server;
  own.ca = config.ca;
  own.insecure = config.insecure;
  own.tls_server_name = config.tls_server_name;
  own.proxy = config.proxy;
  own.namespace_ = config.namespace_;
  if (!caller.token.empty()) own.token.token = caller.token;
  auto client = kube::ApiClient::Make(own, clock);
  if (!client) return client.error();
  return std::unique_ptr<kube::Client>(*std::move(client));
}

runtime::LeaderSettings LeaseOf(const Options& options) {
  runtime::LeaderSettings lease;
  lease.ns = options.lease_namespace;
  lease.identity = Identity();
  return lease;
}

retention::KeeperSettings KeeperSettingsOf(const Options& options, kube::Client& client) {
  retention::KeeperSettings settings;
  settings.interval = options.gc_interval;
  settings.grace = options.gc_grace;
  settings.keep_cache = options.gc_keep_cache;
  settings.namespaces = options.namespaces;
  settings.collector = [&client](const std::stop_token& stop) -> Result<artifacts::Collector> {
    const auto system = client.Get(kube::kNamespaces, "", "kube-system", {.stop = stop});
    if (!system) return Wrap("the namespace kube-system", system.error());
    std::string uid = api::DecodeMeta(*system).uid;
    if (uid.empty()) return Internal("the namespace kube-system has no UID");
    std::string name = "the cluster whose kube-system is " + uid;
    return artifacts::Collector{std::move(uid), std::move(name)};
  };
  return settings;
}

Result<lineage::Post> LineagePostOf(const Options& options) {
  if (options.lineage_url.empty()) return lineage::Post();
  auto post = lineage::PostTo(options.lineage_url, options.lineage_key);
  if (!post) return Wrap("--openlineage-url", post.error());
  return *std::move(post);
}

lineage::SenderSettings LineageSettings(const Options& options, metadata::DatabasePtr history,
                                        lineage::Post post, runtime::Metrics& metrics) {
  lineage::SenderSettings settings;
  settings.history = std::move(history);
  settings.told = options.data_dir / "openlineage.told";
  settings.post = std::move(post);
  settings.count = [&metrics](lineage::Outcome outcome) {
    metrics.LineageEvent(outcome == lineage::Outcome::kSent      ? "sent"
                         : outcome == lineage::Outcome::kRefused ? "refused"
                                                                 : "retried");
  };
  return settings;
}

void TellOfEngine(const controllers::Engine& engine, runtime::Metrics& metrics) {
  metrics.Informers(engine.informers());
  for (const auto& [controller, keys] : engine.queued()) metrics.Queued(controller, keys);
  std::vector<runtime::LockGauge> locks;
  for (const auto& l : engine.locks()) locks.push_back({l.ns, l.name, l.holders, l.waiters});
  metrics.Locks(locks);
  std::vector<runtime::FreshnessGauge> fresh;
  for (const auto& f : engine.freshness())
    fresh.push_back({f.pipeline.ns, f.pipeline.name, f.late});
  metrics.Freshness(fresh);
}

}  // namespace penstock::main
