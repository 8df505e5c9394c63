// The gateway as the operator runs it: certificates on the data folder, callers asked of the API
// server, the artifact store's routes. Owns its threads.
#pragma once

#include <memory>

#include "operator/artifacts/store.h"
#include "operator/gateway/body_budget.h"
#include "operator/gateway/certificates.h"
#include "operator/gateway/router.h"
#include "operator/gateway/token_review.h"
#include "operator/main/options.h"
#include "operator/net/http_server.h"
#include "operator/runtime/log.h"

namespace penstock::main {

struct GatewayServer {
  GatewayServer(kube::Client& client, const Clock& clock, std::uint64_t body_memory)
      : authenticator(client, clock), bodies(body_memory) {}
  std::unique_ptr<gateway::Certificates> certificates;
  gateway::TokenReviewAuthenticator authenticator;
  gateway::BodyBudget bodies;
  std::unique_ptr<gateway::StepGrants> grants;
  gateway::Router router;
  std::unique_ptr<net::HttpServer> server;  // last: its threads use the rest
};

// Listens when it returns. All but the options must outlive it.
[[nodiscard]] Result<std::unique_ptr<GatewayServer>> StartGateway(const Options& options,
                                                                  const artifacts::Store& store,
                                                                  kube::Client& client,
                                                                  const Clock& clock,
                                                                  const runtime::Log& log);

}  // namespace penstock::main
