// /livez, /readyz and /metrics over plain HTTP, answered by net's server.
//
// Small on purpose: one request a connection, 5 s for it, at most 256 connections, 16 of one
// address; anything but GET and HEAD of the three paths is refused.
//
// /livez says whether the process should be ended. It waits for no lock of anybody's: a lock that
// is held for a while (a large list, a slow disk) makes the process unready, 503 after two seconds,
// and ends nothing. A check that has not come back for two minutes never will: /livez says so then.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "operator/base/result.h"
#include "operator/net/http_server.h"

namespace penstock::runtime {

// Called by one thread at a time.
struct HealthChecks {
  // Nothing = well; otherwise what is wrong, which is the body of the 503.
  std::function<Result<void>()> ready = [] { return Result<void>{}; };
  std::function<std::string()> metrics = [] { return std::string{}; };
  std::chrono::milliseconds wait{2'000};     // for the check of another request to end
  std::chrono::milliseconds stuck{120'000};  // then a check will not come back
};

// Listens from now on; port 0 = any. Transient when the address is taken.
[[nodiscard]] Result<std::unique_ptr<net::HttpServer>> StartHealthServer(const std::string& address,
                                                                         std::uint16_t port,
                                                                         HealthChecks checks);

}  // namespace penstock::runtime
