// An HTTP/1.1 and HTTPS client that blocks with a deadline and a stop token: the one place below
// the operator's Kubernetes client that knows Beast.
//
// A connection owns its io_context and its stream; a call runs an asynchronous operation there
// until its deadline. After a time-out or a stop the connection is thrown away. Whole answers leave
// the connection in a pool. A kept connection that turns out closed before it answers is replaced
// once, when the request is safe to repeat. Thread-safe; one connection serves one call at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace penstock::kube {

struct TlsSettings {
  std::string ca_pem;           // trusted; empty = the system's roots
  std::string certificate_pem;  // ours, with its chain; empty = none
  std::string key_pem;
  std::string server_name;  // verified instead of the URL's host; empty = the host
  bool insecure = false;    // verifies nothing
  bool operator==(const TlsSettings&) const = default;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // path and query, below the base URL's path
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool repeatable = false;  // sending it twice does no harm
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // The first header of that name (lower case), or "".
  [[nodiscard]] std::string_view Header(std::string_view name) const;
};

using SteadyTime = std::chrono::steady_clock::time_point;
// Gets pieces of a body as they arrive. False ends the stream.
using BodySink = std::function<bool(std::string_view)>;

class HttpClient {
 public:
  // `base_url` is http://host[:port][/path] or https://...; Invalid when it or the certificates
  // cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<HttpClient>> Make(const std::string& base_url,
                                                                const TlsSettings& tls);
  ~HttpClient();

  // The whole answer, of whatever status. kTransient for the network, the deadline, a body above
  // 512 MiB and a certificate that is not trusted; kCancelled when stopped.
  [[nodiscard]] Result<HttpResponse> Send(const HttpRequest& request, SteadyTime deadline,
                                          std::stop_token stop);

  // As Send, but a 2xx body goes to `sink` as it arrives. `deadline` is that of the answer's head;
  // afterwards `idle` may pass between two pieces. A sink that returned false is success.
  [[nodiscard]] Result<HttpResponse> Stream(const HttpRequest& request, SteadyTime deadline,
                                            std::chrono::milliseconds idle, const BodySink& sink,
                                            std::stop_token stop);

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Percent-encodes all but unreserved characters.
[[nodiscard]] std::string UrlEncode(std::string_view text);

}  // namespace penstock::kube
