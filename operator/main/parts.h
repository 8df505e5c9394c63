// What the program is put together of, by its options and what surrounds it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "operator/artifacts/store.h"
#include "operator/controllers/engine.h"
#include "operator/gateway/api/access.h"
#include "operator/kube/api_client.h"
#include "operator/lineage/sender.h"
#include "operator/main/options.h"
#include "operator/metadata/database.h"
#include "operator/net/address_policy.h"
#include "operator/retention/store_keeper.h"
#include "operator/runtime/leader_election.h"
#include "operator/runtime/metrics.h"

namespace penstock::main {

[[nodiscard]] std::map<std::string, std::string> Environment();
// Of this pod, as Kubernetes names it.
[[nodiscard]] std::string HostName();
// Of this process among those that may lead: another one after each start.
[[nodiscard]] std::string Identity();

// A PostgreSQL server where one is named, else a file of the data folder.
[[nodiscard]] metadata::DatabasePtr HistoryOf(const Options& options);

// The store with the buckets that --stores names; as it is where it names none. The clock must
// outlive it.
[[nodiscard]] Result<artifacts::Store> WithBuckets(const Options& options, artifacts::Store store,
                                                   const Clock& clock);

// --source-deny and --source-allow.
[[nodiscard]] Result<net::AddressPolicy::Rules> AddressRules(const Options& options);

// The API server as a caller has it: by his own token, or as nobody but him by our account, which
// has that right only where the chart gives it. The clock must outlive it.
[[nodiscard]] Result<std::unique_ptr<kube::Client>> ClientOf(const gateway::Caller& caller,
                                                             const kube::ClusterConfig& config,
                                                             const Clock& clock);

// Of the lease by which one of several processes leads.
[[nodiscard]] runtime::LeaderSettings LeaseOf(const Options& options);

// How unused artifacts go. The client, which must outlive it, says which cluster collects.
[[nodiscard]] retention::KeeperSettings KeeperSettingsOf(const Options& options,
                                                         kube::Client& client);

// The way to the OpenLineage server that is named; none: nobody is told.
[[nodiscard]] Result<lineage::Post> LineagePostOf(const Options& options);

// What is sent to an OpenLineage server, and counted; the metrics must outlive it.
[[nodiscard]] lineage::SenderSettings LineageSettings(const Options& options,
                                                      metadata::DatabasePtr history,
                                                      lineage::Post post,
                                                      runtime::Metrics& metrics);

// Informers, queues, locks and freshness, as they are now.
void TellOfEngine(const controllers::Engine& engine, runtime::Metrics& metrics);

}  // namespace penstock::main
