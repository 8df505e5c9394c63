// One request and its answer, with the redirects between them. The body goes into a file, bounded.
// Blocks on the network; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/net/exchange.h"

namespace penstock::http {

// How a request is signed, anew whenever it is sent: the headers webhook-id, webhook-timestamp and
// webhook-signature of Standard Webhooks (webhook.h).
struct Signature {
  std::string key;
  std::string id;  // of the message: the same however often it is sent
};

struct Request {
  std::string url;
  std::string method = "GET";
  net::Headers headers;  // the step's own; none of them goes to another server
  std::string body;
  std::optional<Signature> signature;         // goes to no other server, either
  std::chrono::milliseconds timeout{30'000};  // of the whole answer
  std::uint64_t max_bytes = 64 << 20;         // of its body
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several the first
  std::uint64_t bytes = 0;                     // of the body
  bool cut = false;                            // it went on: of one that is no 2xx
};

// Sends it and writes the body to `file`, which is replaced; of an answer that is no 2xx at most
// its first MiB. `environment` says proxies. GET and HEAD follow up to five redirects: never from
// https to http, and to another server only a request without headers. kTransient for network and
// time, kUntrusted, kTooLarge, kInvalid, kCancelled.
[[nodiscard]] Result<Answer> Send(const Request& request, const std::filesystem::path& file,
                                  const std::map<std::string, std::string>& environment,
                                  std::stop_token stop);

}  // namespace penstock::http
