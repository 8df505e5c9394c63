// What calls need of the gRPC front: routes, bounds, where they are counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "components/router/grpc/endpoint.h"
#include "components/router/proxy/limits.h"

namespace penstock::router {

class Call;

class CallHost {
 public:
  virtual ~CallHost() = default;
  [[nodiscard]] virtual std::shared_ptr<const GrpcDeployment> OfPort(std::uint16_t port) const = 0;
  // A call begins, and is looked at until it ends.
  virtual void Enter(Call* call) = 0;
  virtual void Leave(Call* call) = 0;

  Limits limits;
  std::size_t shard = 0;  // of statistics; written under statistics_mutex
  std::mutex statistics_mutex;
  std::atomic<int> calls{0};           // under way
  std::atomic<std::int64_t> bytes{0};  // of messages on their way
  std::atomic<std::size_t> starts{0};  // where the next choice of a server begins
};

}  // namespace penstock::router
