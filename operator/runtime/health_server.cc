#include "operator/runtime/health_server.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

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

// The checks, one at a time, and since when the one that is under way has not come back.
class Checks {
 public:
  explicit Checks(HealthChecks checks) : checks_(std::move(checks)) {}

  Answer Handle(const net::Exchange& exchange) {
    if (exchange.method() != "GET" && exchange.method() != "HEAD") return {405, "only GET\n"};
    const std::string& path = exchange.path();
    if (path == "/livez" || path == "/healthz") return Live();
    if (path == "/readyz") return Alone([this] { return Probe(checks_.ready); });
    if (path == "/metrics") return Alone([this] { return Answer{200, checks_.metrics()}; });
    return {404, "there are /livez, /readyz and /metrics\n"};
  }

 private:
  using Steady = std::chrono::steady_clock;

  [[nodiscard]] Answer Live() const {
    const Steady::time_point since = since_;
    if (since == Steady::time_point{} || Steady::now() - since < checks_.stuck)
      return {200, "ok\n"};
    const auto seconds = std::chrono::round<std::chrono::seconds>(Steady::now() - since);
    return {503, "a check of /readyz or /metrics has not come back for " +
                     std::to_string(seconds.count()) + " s\n"};
  }

  Answer Alone(const std::function<Answer()>& check) {
    {
      std::unique_lock lock(mutex_);
      if (!free_.wait_for(lock, checks_.wait, [this] { return !busy_; }))
        return {503, "the check of another request has not come back yet\n"};
      busy_ = true;
    }
    since_ = Steady::now();
    Answer answer;
    try {
      answer = check();
    } catch (const std::exception& e) {
      answer = {500, std::string(e.what()) + "\n"};
    }
    since_ = Steady::time_point{};
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
    }
    free_.notify_one();
    return answer;
  }

  const HealthChecks checks_;
  std::mutex mutex_;
  std::condition_variable free_;  // a std::timed_mutex is beyond GCC 12's ThreadSanitizer
  bool busy_ = false;
  std::atomic<Steady::time_point> since_{Steady::time_point{}};  // zero: none is under way
};

}  // namespace

Result<std::unique_ptr<net::HttpServer>> StartHealthServer(const std::string& address,
                                                           std::uint16_t port,
                                                           HealthChecks checks) {
  net::HttpServerOptions options;
  options.address = address;
  options.port = port;
  options.max_connections = 256;
  options.max_connections_a_peer = 16;  // the kubelet's probes come from an address of their own
  options.max_header_bytes = 8 * 1024;
  options.idle_timeout = std::chrono::seconds(5);
  options.keep_alive = false;
  auto all = std::make_shared<Checks>(std::move(checks));
  return net::HttpServer::Start(std::move(options), [all](net::Exchange& exchange) {
    const Answer answer = all->Handle(exchange);
    exchange.Respond(answer.status, "text/plain; version=0.0.4; charset=utf-8", answer.body);
  });
}

}  // namespace penstock::runtime
