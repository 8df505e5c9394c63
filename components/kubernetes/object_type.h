// The path of a kind, as the API server tells it. Blocks on the network.
#pragma once

#include <string>

#include "operator/kube/client.h"

namespace penstock::kubernetes {

// A kind with the texts that its ResourceType looks into.
struct ObjectType {
  std::string group, version, plural, kind;
  bool namespaced = true;
  [[nodiscard]] kube::ResourceType Resource() const {
    return {group, version, plural, kind, namespaced};
  }
};

// Of apiVersion and kind of a manifest. NotFound where the server has no such kind.
[[nodiscard]] Result<ObjectType> FindType(kube::Client& client, const std::string& api_version,
                                          const std::string& kind, std::stop_token stop);

}  // namespace penstock::kubernetes
