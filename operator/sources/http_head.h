// Asks an HTTP server what an address holds, without fetching it. Beast stays in the .cc file.
// Thread-safe; each call opens a connection of its own.
#pragma once

#include <chrono>
#include <map>
#include <stop_token>
#include <string>

#include "operator/base/result.h"

namespace penstock::sources {

struct HeadOptions {
  std::chrono::milliseconds timeout{10'000};  // of the whole call, redirects included
  // Loopback and link-local addresses (a cloud's metadata service among them) are refused unless
  // set: in a cluster the address comes from a user, and the request from the operator.
  bool allow_local = false;
  std::stop_token stop;
};

struct HeadReply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
};

// Follows at most five redirects. Invalid for what is no http or https URL or a refused address;
// Transient when the server cannot be reached in time.
[[nodiscard]] Result<HeadReply> HttpHead(const std::string& url, const HeadOptions& options);

}  // namespace penstock::sources
