// HttpServer: asynchronous HTTP/1.1 over TCP for one handler. Owns its threads and connections.
//
// Each connection belongs to one of the threads and has one request at a time in hand, so pipelined
// requests are answered in order. What a client can make the server hold is bounded: connections,
// header bytes, body bytes a request and body bytes of all requests together, and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "components/serve/protocol/http.h"
#include "components/serve/telemetry/metrics.h"
#include "operator/base/byte_budget.h"
#include "operator/base/result.h"

namespace penstock::serve {

struct HttpLimits {
  std::size_t connections = 1024;
  std::uint32_t header_bytes = 16U << 10;
  std::uint64_t body_bytes = 64ULL << 20;
  std::uint64_t held_body_bytes = 256ULL << 20;   // of all connections together, large answers too
  std::chrono::milliseconds header_time{10'000};  // from a request's first byte
  std::chrono::milliseconds body_idle{30'000};    // between two pieces of a body
  std::chrono::milliseconds request_time{300'000};    // from a request's first byte to its last
  std::chrono::milliseconds keep_alive_idle{75'000};  // between two requests
  // The same after an answer 401, 403, 404 or 405 on a connection that has had no better one.
  std::chrono::milliseconds stranger_idle{5'000};
  std::chrono::milliseconds write_time{30'000};
};

class HttpServer {
 public:
  struct Options {
    std::string address = "0.0.0.0";
    std::uint16_t port = 0;  // 0: any free one
    int threads = 1;
    HttpLimits limits;
    // Its threads may run quick models too. Of one server only among those that share a handler.
    bool computes = false;
    // For how long its threads look for the next request before they sleep (busy_poll.h).
    std::chrono::microseconds busy_poll{0};
    // May be shared with others; null: limits.held_body_bytes for this server alone.
    std::shared_ptr<ByteBudget> bodies = nullptr;
  };

  // The handler and the metrics (may be null) must outlive the server. Accepts at once. Transient
  // or Invalid names the address that could not be bound.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> Start(const Options& options,
                                                                 HttpHandler* handler,
                                                                 Metrics* metrics);
  // Drops what is open.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // As asked for, or 0 where this build has no busy polling (PENSTOCK_BUSY_POLL).
  [[nodiscard]] std::chrono::microseconds busy_poll() const;
  // From now on every response says `Connection: close`. Still accepts.
  void CloseAfterResponses();
  // No new connections; idle ones are closed, busy ones after their response.
  void StopAccepting();
  // False when connections are still open after `limit`.
  [[nodiscard]] bool WaitUntilIdle(std::chrono::milliseconds limit);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::serve
