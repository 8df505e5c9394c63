// Objects as the API server sends them, for tests of what routers make of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/router/routing/route_table.h"
#include "operator/base/json.h"
#include "operator/kube/store.h"

namespace penstock::router {

// `traffic` is JSON text: [{"version": 1, "weight": "100%"}].
inline Json ModelDeployment(const std::string& name, int port, const std::string& traffic,
                            const std::string& resource_version = "7") {
  return {{"apiVersion", "penstock.dev/v1alpha1"},
          {"kind", "ModelDeployment"},
          {"metadata",
           {{"name", name},
            {"namespace", "team"},
            {"uid", name + "-uid"},
            {"resourceVersion", resource_version}}},
          {"spec", {{"model", "ignored"}}},
          {"status", {{"router", {{"port", port}}}, {"traffic", Json::parse(traffic)}}}};
}

// With all requests to version 1, which has no endpoint.
inline RouteTable Kept(const std::string& name, std::uint16_t port) {
  DeploymentRoute route;
  route.name = name;
  route.resource_version = "5";
  route.port = port;
  route.versions.resize(1);
  route.versions[0].version = 1;
  route.versions[0].weight = kWhole;
  return {{route}};
}

inline Json Server(const std::string& address, Json conditions = Json::object()) {
  return {{"addresses", Json::array({address})}, {"conditions", std::move(conditions)}};
}

inline Json Slice(const std::string& deployment, int version, std::vector<Json> endpoints) {
  const std::string name = deployment + "-v" + std::to_string(version);
  return {{"apiVersion", "discovery.k8s.io/v1"},
          {"kind", "EndpointSlice"},
          {"metadata",
           {{"name", name + "-abc"},
            {"namespace", "team"},
            {"uid", name + "-uid"},
            {"resourceVersion", "3"},
            {"labels",
             {{"penstock.dev/model-deployment", deployment},
              {"penstock.dev/model-version", std::to_string(version)},
              {"kubernetes.io/service-name", name}}}}},
          {"addressType", "IPv4"},
          {"ports", Json::array({{{"name", "http"}, {"protocol", "TCP"}, {"port", 8080}}})},
          {"endpoints", endpoints}};
}

}  // namespace penstock::router
