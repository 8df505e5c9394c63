// HTTP as the service sees it: one request in, one response out, no sockets.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "components/serve/engine/cancel_flag.h"
#include "components/serve/host/event_loop.h"
#include "operator/base/result.h"

namespace penstock::serve {

// Headers are as they came; empty when absent.
struct HttpRequest {
  std::string method = {};
  std::string target = {};
  std::string content_type = {};
  std::string content_encoding = {};
  std::string accept_encoding = {};
  std::string timeout_ms = {};   // x-request-timeout-ms
  std::string json_length = {};  // Inference-Header-Content-Length
  std::string traceparent = {};
  CancelFlag cancelled = {};  // the client has closed the connection
  EventLoop* loop = nullptr;  // the thread that read it; null: it computes nothing
  std::chrono::steady_clock::duration waited = {};  // since it came whole
  std::string body = {};
};

// The status of an answer whose client has gone, as nginx counts them.
inline constexpr int kClientGone = 499;

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string headers;  // further header lines, each ended by CRLF
};

// The status that a kind of failure stands for.
[[nodiscard]] int StatusOf(ErrorKind kind);
// {"error": ...} with that status, Retry-After where the error has it, and with 415 what would be
// taken.
[[nodiscard]] HttpResponse ErrorResponse(const Error& error);
// The same for what only HTTP knows: 405, 408, 431. A 503 says to come back in a second.
[[nodiscard]] HttpResponse Refusal(int status, const std::string& message);

using Respond = std::function<void(HttpResponse)>;

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Calls `respond` exactly once, before or after it returns, on any thread. Thread-safe.
  virtual void Handle(HttpRequest request, Respond respond) = 0;
  // A response that was made without Handle (a request that could not be read).
  virtual void CountRefused(int status) = 0;
};

}  // namespace penstock::serve
