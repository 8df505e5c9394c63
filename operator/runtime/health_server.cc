#include "operator/runtime/health_server.h"

#include <mutex>

namespace penstock::runtime {
namespace {

struct Answer {
  int status = 200;
  std::string body;
};

Answer Probe(const std::function<Result<void>()>& check) {
  const auto well = check();
  if (well) return {200, "ok\n"};
  return {503, well.error().message + "\n"};
}

Answer Handle(const HealthChecks& checks, const net::Exchange& exchange) {
  if (exchange.method() != "GET" && exchange.method() != "HEAD") return {405, "only GET\n"};
  const std::string& path = exchange.path();
  try {
    if (path == "/livez" || path == "/healthz") return Probe(checks.live);
    if (path == "/readyz") return Probe(checks.ready);
    if (path == "/metrics") return {200, checks.metrics()};
  } catch (const std::exception& e) {
    return {500, std::string(e.what()) + "\n"};
  }
  return {404, "there are /livez, /readyz and /metrics\n"};
}

}  // namespace

Result<std::unique_ptr<net::HttpServer>> StartHealthServer(const std::string& address,
                                                           std::uint16_t port,
                                                           HealthChecks checks) {
  net::HttpServerOptions options;
  options.address = address;
  options.port = port;
  options.max_connections = 64;
  options.max_header_bytes = 8 * 1024;
  options.idle_timeout = std::chrono::seconds(5);
  options.keep_alive = false;
  auto one_at_a_time = std::make_shared<std::mutex>();
  return net::HttpServer::Start(
      std::move(options), [checks = std::move(checks), one_at_a_time](net::Exchange& exchange) {
        Answer answer;
        {
          const std::lock_guard lock(*one_at_a_time);
          answer = Handle(checks, exchange);
        }
        exchange.Respond(answer.status, "text/plain; version=0.0.4; charset=utf-8", answer.body);
      });
}

}  // namespace penstock::runtime
