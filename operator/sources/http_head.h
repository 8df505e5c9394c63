// Asks an HTTP server what an address holds, without fetching it. Thread-safe; each call opens a
// connection of its own.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/net/http_client.h"

namespace penstock::sources {

struct HeadOptions {
  std::chrono::milliseconds timeout{10'000};  // of the whole call, redirects included
  // Loopback and link-local addresses (a cloud's metadata service among them) are refused unless
  // set: in a cluster the address comes from a user, and the request from the operator.
  bool allow_local = false;
  std::stop_token stop;
};

// Follows at most five redirects. Invalid for what is no http or https URL or a refused address;
// Transient when the server cannot be reached in time.
[[nodiscard]] Result<net::HttpResponse> HttpHead(const std::string& url,
                                                 const HeadOptions& options);

}  // namespace penstock::sources
