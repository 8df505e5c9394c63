// The ports that routers listen on: one a ModelDeployment, which no other of its namespace has, and
// which it keeps as long as it lives. Thread-safe: ModelDeployments of one namespace may ask at
// once, and what was given counts before it stands in a status.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "operator/api/model_deployment.h"

namespace penstock::routers {

class Ports {
 public:
  // `all`: the ModelDeployments of its namespace. Where two of them say the same port (a status
  // that was restored from elsewhere), the older one keeps it. Invalid when none is left.
  template <typename Snapshots>
  [[nodiscard]] Result<int> Take(const api::ModelDeployment& md, const Snapshots& all) {
    std::vector<Holder> others;
    for (const auto& other : all)
      if (other->meta.uid != md.meta.uid && other->status.router.port != 0)
        others.push_back({other->meta, other->status.router.port});
    return Take(md, others);
  }
  // The ModelDeployment is gone.
  void Forget(const std::string& ns, const std::string& name);

 private:
  struct Holder {
    api::ObjectMeta meta;
    int port = 0;
  };
  [[nodiscard]] Result<int> Take(const api::ModelDeployment& md, const std::vector<Holder>& others);

  std::mutex mutex_;
  std::map<std::string, std::map<std::string, int>> given_;  // by namespace and name
};

}  // namespace penstock::routers
