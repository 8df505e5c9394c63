// The gateway's HTTPS server: one listener, a thread a connection, a bound on connections.
//
//   listener --accept--> [below the bound] thread: handshake, then request -> router, again and
//   again
//                        [above it]        one answer 503; far above: closed
//
// Owns its threads; Stop (and the destructor) closes every connection and joins them within a
// second, but for handlers that block elsewhere. Beast stays in the .cc. All methods from any
// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "operator/base/result.h"
#include "operator/gateway/router.h"

namespace penstock::gateway {

// What the server shows: PEM texts. A new object is picked up by the next connection.
struct TlsIdentity {
  std::string chain_pem;
  std::string key_pem;
};
using TlsSource = std::function<Result<std::shared_ptr<const TlsIdentity>>()>;

struct HttpsServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 8443;  // 0: any
  int max_connections = 256;
  std::size_t max_header_bytes = 32 * 1024;
  std::chrono::milliseconds idle_timeout{60'000};  // without a byte in either direction
  std::chrono::milliseconds handshake_timeout{10'000};
  TlsSource tls;
  // Told what went wrong outside of any request (accepting, certificates); may be empty.
  std::function<void(const std::string&)> on_error;
};

class HttpsServer {
 public:
  // Listens and serves from now on. `router` must outlive the server and change no more.
  [[nodiscard]] static Result<std::unique_ptr<HttpsServer>> Start(HttpsServerOptions options,
                                                                  const Router& router);
  virtual ~HttpsServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual int connections() const = 0;
  virtual void Stop() = 0;
};

}  // namespace penstock::gateway
