// The operator's HTTP client: HTTP/1.1, plain or under TLS, blocking within limits. Beast stays in
// the .cc.
//
// Whole answers leave their connection in a pool. A kept connection that turns out closed before it
// answers is replaced once, when the request is safe to repeat. Thread-safe; one connection serves
// one call at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/net/address_policy.h"
#include "operator/net/exchange.h"
#include "operator/net/proxy.h"
#include "operator/net/stream.h"
#include "operator/net/tls.h"

namespace penstock::net {

struct HttpResponse {
  int status = 0;
  Headers headers;  // names in lower case
  std::string body;
  bool cut = false;  // of another answer than a 2xx: the body went on
  // The first header of that name (lower case), or "".
  [[nodiscard]] std::string_view Header(std::string_view name) const;
  [[nodiscard]] bool Good() const { return status >= 200 && status < 300; }
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query, below the base URL's path
  Headers headers;
  std::string body;
  // Instead of `body`: gives the next piece of `content_length` bytes, empty at their end. Above 64
  // KiB it is asked only after "100 Continue".
  std::function<Result<std::string_view>()> source;
  std::uint64_t content_length = 0;
  bool repeatable = false;  // sending it twice does no harm

  // Gets the body of a 2xx as it arrives, after its head; false or an error ends the call. Without
  // it the body stands in HttpResponse::body, as the first MiB of any other answer's always does.
  std::function<Result<bool>(std::string_view)> on_body;
  std::function<Result<void>(const HttpResponse& head)> on_head;
  std::size_t max_body = 512UL << 20;  // of a 2xx without on_body
};

struct HttpClientOptions {
  TlsSettings tls;
  std::chrono::milliseconds connect_timeout{30'000};  // of all addresses, and of a TLS handshake
  std::optional<Proxy> proxy;     // by CONNECT for https; never together with may_connect
  AddressCheck may_connect = {};  // held against each address of the host; none: all may be
};

class HttpClient {
 public:
  // `base_url` is http://host[:port][/path] or https://...; Invalid when it or the certificates
  // cannot be read, and for a proxy with may_connect: it looks names up itself.
  [[nodiscard]] static Result<std::unique_ptr<HttpClient>> Make(const std::string& base_url,
                                                                const HttpClientOptions& options);
  ~HttpClient();

  // An answer, of whatever status. `limits.deadline` is that of the whole answer, but of its head
  // alone where on_body gets the body.
  // kTransient for the network and for time; kUntrusted for the server's certificate; kTooLarge for
  // a body above max_body; kInvalid for control characters in the head; what may_connect returned;
  // kCancelled when stopped; what the callbacks returned.
  [[nodiscard]] Result<HttpResponse> Send(const HttpRequest& request, const Limits& limits);

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::net
