// The router's port for kubelet, Prometheus and operator:
//
//   /healthz       200 while the process can answer
//   /readyz        200 once a route table is in use and it is not ending
//   /metrics       Prometheus
//   /observations  what was seen, as JSON; ?wait=SECONDS (at most 60) answers when a request begins
//                  to wait for a server, or after that time: so that an operator wakes a model at
//                  once
//
// Reading observations tells the guard that the operator is there. Owns its threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "components/router/admin/guard.h"
#include "components/router/admin/load_sampler.h"
#include "components/router/admin/observations.h"
#include "operator/net/http_server.h"

namespace penstock::router {

class AdminServer {
 public:
  // `router` and `clock` outlive it; `trouble` says what is wrong with the source of tables ("":
  // nothing). Transient when the address is taken.
  [[nodiscard]] static Result<std::unique_ptr<AdminServer>> Start(
      const std::string& address, std::uint16_t port, RouterIdentity who, Router* router,
      const Clock* clock, std::function<std::string()> trouble);
  ~AdminServer();
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  // Unready from now on.
  void Unready() { ending_ = true; }

 private:
  AdminServer(RouterIdentity who, Router* router, const Clock* clock,
              std::function<std::string()> trouble);
  void Answer(net::Exchange& exchange);
  void AnswerReady(net::Exchange& exchange);
  void AnswerObservations(net::Exchange& exchange);
  void WaitForHeld(std::chrono::seconds most, const std::stop_token& stop);

  const RouterIdentity who_;
  Router* const router_;
  const std::function<std::string()> trouble_;
  Guard guard_;
  LoadSampler sampler_;
  std::atomic<bool> ending_{false};
  std::jthread watch_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace penstock::router
