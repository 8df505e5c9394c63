// One HTTPS connection to the gateway, kept alive between exchanges. Beast stays in the .cc.
//
// Blocking calls are asynchronous operations on the connection's own io_context, run to a
// deadline; the stop token closes the socket. After any error the connection is thrown away and
// the next exchange opens a new one. Used by one thread.
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

namespace penstock::artifacts {

struct HttpsOptions {
  std::string url;                                 // "https://host[:port]"
  std::string ca_pem;                              // the only authority that is trusted
  bool vouched_channel = false;                    // see TransportOptions; ca_pem is not looked at
  std::chrono::milliseconds idle_timeout{60'000};  // without a byte in either direction
  std::stop_token stop;
};

// Gives the next piece of the body; empty ends it.
using BodySource = std::function<Result<std::string_view>()>;
// Takes a piece of the body of a 200 or 206.
using BodySink = std::function<Result<void>(std::string_view)>;

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::uint64_t content_length = 0;
  BodySource body;   // none: no body. Over 64 KiB it is sent after "100 Continue" only
  BodySink on_body;  // none: a body of at most 1 MiB goes to HttpReply::body
  // Called before the first on_body.
  std::function<Result<void>(int status, const std::string& content_range)> on_header;
};

struct HttpReply {
  int status = 0;
  std::string body;
  std::string retry_after;
};

class HttpsClient {
 public:
  virtual ~HttpsClient() = default;
  // Transient when the connection failed; kForbidden with reason "CertificateNotTrusted" when the
  // server is not the one that ca_pem vouches for; kCancelled after a stop; what the callbacks
  // returned. Every status is a reply.
  [[nodiscard]] virtual Result<HttpReply> Exchange(const HttpRequest& request) = 0;
};

// Invalid for a URL that is not https, or a CA that is no PEM certificate.
[[nodiscard]] Result<std::unique_ptr<HttpsClient>> MakeHttpsClient(const HttpsOptions& options);

}  // namespace penstock::artifacts
