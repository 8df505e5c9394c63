// /livez, /readyz and /metrics over plain HTTP, on a thread of its own.
//
// Small on purpose: one request a connection, 5 s for it, at most 64 connections; anything but GET
// and HEAD of the three paths is refused. The callbacks run on the server's thread and must not
// block for long.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace penstock::runtime {

struct HealthChecks {
  // Nothing = well; otherwise what is wrong, which is the body of the 503.
  std::function<Result<void>()> live = [] { return Result<void>{}; };
  std::function<Result<void>()> ready = [] { return Result<void>{}; };
  std::function<std::string()> metrics = [] { return std::string{}; };
};

class HealthServer {
 public:
  // Listens from now on; port 0 = any. Transient when the address is taken.
  [[nodiscard]] static Result<std::unique_ptr<HealthServer>> Start(const std::string& address,
                                                                   std::uint16_t port,
                                                                   HealthChecks checks);
  ~HealthServer();  // closes all connections and joins
  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  explicit HealthServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::runtime
