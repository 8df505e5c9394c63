// /livez, /readyz and /metrics over plain HTTP, answered by net's server.
//
// Small on purpose: one request a connection, 5 s for it, at most 64 connections; anything but GET
// and HEAD of the three paths is refused.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "operator/base/result.h"
#include "operator/net/http_server.h"

namespace penstock::runtime {

// Called by one thread at a time; they must not block for long.
struct HealthChecks {
  // Nothing = well; otherwise what is wrong, which is the body of the 503.
  std::function<Result<void>()> live = [] { return Result<void>{}; };
  std::function<Result<void>()> ready = [] { return Result<void>{}; };
  std::function<std::string()> metrics = [] { return std::string{}; };
};

// Listens from now on; port 0 = any. Transient when the address is taken.
[[nodiscard]] Result<std::unique_ptr<net::HttpServer>> StartHealthServer(const std::string& address,
                                                                         std::uint16_t port,
                                                                         HealthChecks checks);

}  // namespace penstock::runtime
