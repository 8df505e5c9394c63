// The way to the API server whose account the router has.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "components/router/routing/table_source.h"

namespace penstock::router {

struct ClusterSettings {
  std::string kubeconfig;       // empty: as kubectl finds one, or else the pod's account
  std::string ns;               // empty: that of the pod, or of the kubeconfig
  std::filesystem::path state;  // folder of the last table; empty: none is kept
  std::filesystem::path edge;   // folder of certificates and keys
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

// A ClusterSource with all that it needs. Invalid where no configuration is found or it cannot be
// read; whether anybody answers there is no question of the start.
[[nodiscard]] Result<std::unique_ptr<TableSource>> ConnectToCluster(ClusterSettings settings);

// The name or address by which the API server of that configuration is asked.
[[nodiscard]] Result<std::string> ApiServerHost(const std::string& kubeconfig);

}  // namespace penstock::router
