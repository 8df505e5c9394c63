// The ports that routers listen on: one a ModelDeployment, and one more where it speaks gRPC, which
// no other of its namespace has, and which it keeps as long as it lives. Thread-safe:
// ModelDeployments of one namespace may ask at once, and what was given counts before it stands in
// a status.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "operator/api/model_deployment.h"

namespace penstock::routers {

enum class Protocol : std::uint8_t { kHttp, kGrpc };

class Ports {
 public:
  // `all`: the ModelDeployments of its namespace. Where two of them say the same port (a status
  // that was restored from elsewhere), the older one keeps it. Invalid when none is left.
  template <typename Snapshots>
  [[nodiscard]] Result<int> Take(const api::ModelDeployment& md, const Snapshots& all,
                                 Protocol protocol = Protocol::kHttp) {
    std::vector<Holder> others;
    for (const auto& other : all) {
      if (other->meta.uid == md.meta.uid) continue;
      for (const int port : {other->status.router.port, other->status.router.grpc_port})
        if (port != 0) others.push_back({other->meta, port});
    }
    return Take(md, others, protocol);
  }
  // The ModelDeployment is gone.
  void Forget(const std::string& ns, const std::string& name);

 private:
  struct Holder {
    api::ObjectMeta meta;
    int port = 0;
  };
  using Key = std::pair<std::string, Protocol>;  // of a name
  [[nodiscard]] Result<int> Take(const api::ModelDeployment& md, const std::vector<Holder>& others,
                                 Protocol protocol);

  std::mutex mutex_;
  std::map<std::string, std::map<Key, int>> given_;  // by namespace
};

}  // namespace penstock::routers
