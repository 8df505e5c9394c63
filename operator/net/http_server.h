// A small HTTP server, plain or under TLS: one listener, a thread a connection, bounds and
// time-outs. Beast stays in the .cc.
//
//   listener --accept--> [below the bounds]     thread: handshake, then request -> handler, again
//                                               and again
//                        [above that of all]    one answer 503; far above: closed
//                        [above that of a peer] closed: who he is nobody knows yet
//
// Owns its threads; Stop (and the destructor) closes every connection and joins them within a
// second, but for handlers that block elsewhere. All methods from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "operator/base/result.h"
#include "operator/net/exchange.h"
#include "operator/net/tls.h"

namespace penstock::net {

struct HttpServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;  // 0: any
  int max_connections = 256;
  int max_connections_a_peer = std::numeric_limits<int>::max();  // of one address
  // Of max_connections, for addresses whose callers were known in the last ten minutes
  // (Exchange::CallerIsKnown), 8 for each: strangers, many together, cannot take these.
  int reserve = 0;
  std::size_t max_header_bytes = 32 * 1024;
  std::chrono::milliseconds idle_timeout{60'000};  // of a head; without a byte in either direction
  std::chrono::milliseconds handshake_timeout{10'000};
  // Of a head, whole, as long as none of the connection's callers was known: who is told 401 or 404
  // does not stay for long either.
  std::chrono::milliseconds stranger_timeout{60'000};
  bool keep_alive = true;  // false: one request a connection
  TlsSource tls = {};      // none: plain
  // Told what went wrong outside of any request (accepting, certificates, a peer with too many
  // connections, once until it has none); may be empty.
  std::function<void(const std::string&)> on_error = {};
};

// Called on many threads at once. What it throws is answered with 500.
using HttpHandler = std::function<void(Exchange&)>;

class HttpServer {
 public:
  // Listens and serves from now on.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                                 HttpHandler handler);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual int connections() const = 0;
  virtual void Stop() = 0;
};

}  // namespace penstock::net
