// Asks an HTTP server what an address holds, without fetching it: by HEAD, and where that is
// refused (a URL that was signed for GET only) by GET of the first byte. Thread-safe; each call
// opens a connection of its own.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "operator/base/result.h"
#include "operator/net/http_client.h"

namespace penstock::sources {

struct HeadOptions {
  std::chrono::milliseconds timeout{10'000};  // of the whole call, redirects included
  // Held against every address of every host on the way: the URL comes from a user, and in a
  // cluster the request from the operator. None: all may be asked.
  net::AddressCheck may_ask = {};
  std::stop_token stop = {};
};

// The answer, with the length of the whole whichever way it was asked. Follows at most five
// redirects. Invalid for what is no http or https URL; what may_ask returned; Transient when the
// server cannot be reached in time. Messages hold no query of the URL.
[[nodiscard]] Result<net::HttpResponse> HttpHead(const std::string& url,
                                                 const HeadOptions& options);

}  // namespace penstock::sources
