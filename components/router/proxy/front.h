// Another protocol by which the same routes are reached, beside HTTP/1.1 (router/grpc). Its
// requests count among those of the versions; it is told of every change, and to end.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "components/router/proxy/live_routes.h"

namespace penstock::router {

class Front {
 public:
  virtual ~Front() = default;
  // In use when this returns; one call at a time. Where it could not listen, by deployment, why.
  [[nodiscard]] virtual std::map<std::string, std::string> Use(
      std::shared_ptr<const LiveRoutes> routes) = 0;
  // No new connections. False: requests are open after `limit`, and are cut off.
  [[nodiscard]] virtual bool Finish(std::chrono::milliseconds limit) = 0;
  // Any thread.
  [[nodiscard]] virtual int connections() = 0;
  [[nodiscard]] virtual int requests() const = 0;
  [[nodiscard]] virtual std::int64_t turned_away() const = 0;
};

}  // namespace penstock::router
