// What the objects of a namespace tell routers. Pure; used by one thread.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "components/router/routing/route_table.h"
#include "operator/base/json_fwd.h"
#include "operator/kube/store.h"

namespace penstock::router {

inline constexpr const char* kLabelModelDeployment = "penstock.dev/model-deployment";
inline constexpr const char* kLabelModelVersion = "penstock.dev/model-version";

// Of a ModelDeployment or an EndpointSlice: nothing but what TableBuilder reads. Throws
// Json::exception where the object has not the shape of one.
void TrimModelDeployment(Json& object);
void TrimEndpointSlice(Json& object);

class TableBuilder {
 public:
  // `edge`: the folder in which Secrets and ConfigMaps that ModelDeployments name are mounted, as
  // secrets/NAME/tls.crt and configmaps/NAME/KEY.
  explicit TableBuilder(std::filesystem::path edge) : edge_(std::move(edge)) {}

  // A table that was published before: what Build keeps of it where an object cannot be read.
  void Remember(const RouteTable& table);

  // The table that these say, deployments by name, endpoints in order and each once.
  //
  // Of a ModelDeployment: status.router (port, grpcPort), status.traffic and spec.expose. It has no
  // route before it has a port and traffic. Where the two cannot be read, where they say what no
  // table may say (another's port, weights that do not add up), or where status.router is gone
  // altogether (a status that was lost), it keeps the route that it had, with today's endpoints.
  [[nodiscard]] RouteTable Build(const std::vector<kube::ObjectPtr>& model_deployments,
                                 const std::vector<kube::ObjectPtr>& endpoint_slices);

  // Of the last Build: "ModelDeployment flights: ...", one a deployment that kept its route or has
  // none because of it.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

 private:
  const std::filesystem::path edge_;
  std::map<std::string, DeploymentRoute> last_;  // by name
  std::vector<std::string> problems_;
};

}  // namespace penstock::router
