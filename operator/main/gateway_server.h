// The gateway as the operator runs it: certificates on the data folder, callers asked of the API
// server, the artifact store's routes. Owns its threads.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "operator/artifacts/store.h"
#include "operator/gateway/api/api_routes.h"
#include "operator/gateway/api/cluster_access.h"
#include "operator/gateway/api/cluster_acting.h"
#include "operator/gateway/api/page_files.h"
#include "operator/gateway/api/people_access.h"
#include "operator/gateway/body_budget.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/hooks/hook_routes.h"
#include "operator/gateway/login/client_certificate.h"
#include "operator/gateway/router.h"
#include "operator/gateway/step_grants.h"
#include "operator/gateway/token_review.h"
#include "operator/main/options.h"
#include "operator/metadata/tracking.h"
#include "operator/net/http_server.h"
#include "operator/retention/store_keeper.h"
#include "operator/runtime/log.h"
#include "operator/views/cluster_place.h"

namespace penstock::main {

// What the API for people stands on.
struct ApiSettings {
  metadata::DatabasePtr history;
  std::filesystem::path page;     // the folder of the page; one that is not there is left out
  gateway::ClientFor client_for;  // of the API server, as a caller
  std::map<std::string, std::string> environment;  // of proxies
  views::ClusterPlaceOptions place;
  retention::StoreKeeper* keeper = nullptr;
  gateway::TellOfHook tell_of_hook;  // asked for where Options::webhooks is
};

struct GatewayServer {
  GatewayServer(kube::Client& client, const Clock& clock, std::uint64_t body_memory,
                const artifacts::Store& store, ApiSettings api)
      : authenticator(client, clock),
        bodies(body_memory),
        place(client, metadata::Query(api.history), store, std::move(api.place)),
        tokens(client, clock),
        acting(place, std::move(api.client_for)),
        events(place.history()),
        tracking(api.history) {}
  std::unique_ptr<gateway::Certificates> certificates;
  gateway::TokenReviewAuthenticator authenticator;
  gateway::BodyBudget bodies;
  std::unique_ptr<gateway::StepGrants> grants;
  views::ClusterPlace place;
  gateway::ClusterAccess tokens;
  std::unique_ptr<gateway::login::Sessions> sessions;  // where people can log in
  std::unique_ptr<gateway::login::Provider> provider;
  std::unique_ptr<gateway::PeopleAccess> access;
  std::unique_ptr<gateway::login::TlsWithClients> tls;
  gateway::ClusterActing acting;
  gateway::EventHub events;
  metadata::Tracking tracking;
  gateway::ApiParts api;
  std::unique_ptr<gateway::HookKeys> hook_keys;  // where deliveries are taken
  std::optional<gateway::PageFiles> page;
  gateway::Router router;
  std::unique_ptr<net::HttpServer> server;  // after what its threads use
  std::jthread authorities;                 // reads who signs certificates of clients
};

// Listens when it returns. All but the options must outlive it.
[[nodiscard]] Result<std::unique_ptr<GatewayServer>> StartGateway(
    const Options& options, const artifacts::Store& store, ApiSettings api, kube::Client& client,
    const Clock& clock, const runtime::Log& log);

}  // namespace penstock::main
