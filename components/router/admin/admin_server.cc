#include "components/router/admin/admin_server.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include "operator/base/json.h"

namespace penstock::router {

namespace {

constexpr auto kGuardEvery = std::chrono::seconds(1);
constexpr auto kHeldEvery = std::chrono::milliseconds(50);
constexpr int kMostWait = 60;
constexpr const char* kText = "text/plain; charset=utf-8";

// Of all deployments: requests that have begun to wait since the start.
std::int64_t HeldTotal(const Router::Picture& picture) {
  std::int64_t sum = 0;
  if (!picture.routes) return sum;
  for (const auto& view : picture.routes->deployments) sum += view->live->held_total;
  return sum;
}

bool SomethingIsHeld(const Router::Picture& picture) {
  if (!picture.routes) return false;
  for (const auto& view : picture.routes->deployments) {
    if (view->live->held > 0) return true;
  }
  return false;
}

// "wait=10": whole seconds, at most kMostWait; 0 for anything else.
std::chrono::seconds WaitOf(const std::string& query) {
  constexpr std::string_view kName = "wait=";
  if (!query.starts_with(kName)) return std::chrono::seconds(0);
  int seconds = 0;
  std::from_chars(query.data() + kName.size(), query.data() + query.size(), seconds);
  return std::chrono::seconds(std::clamp(seconds, 0, kMostWait));
}

}  // namespace

AdminServer::AdminServer(RouterIdentity who, Router* router, const Clock* clock,
                         std::function<std::string()> trouble)
    : who_(std::move(who)),
      router_(router),
      trouble_(std::move(trouble)),
      guard_(router, clock),
      sampler_(router) {}

Result<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& address,
                                                        std::uint16_t port, RouterIdentity who,
                                                        Router* router, const Clock* clock,
                                                        std::function<std::string()> trouble) {
  std::unique_ptr<AdminServer> admin(
      new AdminServer(std::move(who), router, clock, std::move(trouble)));
  net::HttpServerOptions options;
  options.address = address;
  options.port = port;
  options.max_connections = 64;
  auto server = net::HttpServer::Start(
      std::move(options), [raw = admin.get()](net::Exchange& exchange) { raw->Answer(exchange); });
  if (!server) return server.error();
  admin->server_ = std::move(*server);
  admin->watch_ = std::jthread([raw = admin.get()](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any ending;
    while (!ending.wait_for(lock, stop, kGuardEvery, [] { return false; })) {
      if (stop.stop_requested()) return;
      raw->guard_.Look();
    }
  });
  return admin;
}

AdminServer::~AdminServer() {
  if (server_) server_->Stop();
}

void AdminServer::Answer(net::Exchange& exchange) {
  if (exchange.method() != "GET" && exchange.method() != "HEAD")
    return net::RespondError(exchange, 405, "only GET and HEAD");
  if (exchange.path() == "/healthz") return exchange.Respond(200, kText, "ok\n");
  if (exchange.path() == "/readyz") return AnswerReady(exchange);
  if (exchange.path() == "/metrics")
    return exchange.Respond(200, "text/plain; version=0.0.4; charset=utf-8",
                            Exposition(router_->Look()));
  if (exchange.path() == "/observations") return AnswerObservations(exchange);
  net::RespondError(exchange, 404, "there are /healthz, /readyz, /metrics and /observations");
}

void AdminServer::AnswerReady(net::Exchange& exchange) {
  if (ending_) return exchange.Respond(503, kText, "ending\n");
  const std::string trouble = trouble_();
  if (!router_->Look().table)
    return exchange.Respond(503, kText,
                            "no route table yet" + (trouble.empty() ? "" : ": " + trouble) + "\n");
  exchange.Respond(200, kText,
                   trouble.empty() ? "ok\n" : "ok, by the last table: " + trouble + "\n");
}

void AdminServer::AnswerObservations(net::Exchange& exchange) {
  WaitForHeld(WaitOf(exchange.query()), exchange.stop());
  guard_.Asked();
  exchange.Respond(200, "application/json",
                   Observations(who_, router_->Look(), sampler_.seconds()).dump() + "\n");
}

void AdminServer::WaitForHeld(std::chrono::seconds most, const std::stop_token& stop) {
  const auto end = std::chrono::steady_clock::now() + most;
  auto picture = router_->Look();
  if (SomethingIsHeld(picture)) return;
  const std::int64_t before = HeldTotal(picture);
  while (!stop.stop_requested() && !ending_ && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kHeldEvery);
    if (HeldTotal(router_->Look()) > before) return;
  }
}

}  // namespace penstock::router
