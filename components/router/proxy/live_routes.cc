#include "components/router/proxy/live_routes.h"

#include <algorithm>
#include <set>

namespace penstock::router {

const VersionView* DeploymentView::Find(std::int64_t version) const {
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const VersionView& v) { return v.version == version; });
  return found == versions.end() ? nullptr : &*found;
}

std::shared_ptr<const DeploymentView> LiveRoutes::OfPort(std::uint16_t port) const {
  const auto found =
      std::lower_bound(deployments.begin(), deployments.end(), port,
                       [](const auto& view, std::uint16_t p) { return view->port < p; });
  return found == deployments.end() || (*found)->port != port ? nullptr : *found;
}

VersionView RouteBuilder::View(const std::string& deployment, const VersionRoute& route) {
  VersionMemory& memory = versions_[{deployment, route.version}];
  if (!memory.statistics) {
    memory.statistics = std::make_shared<VersionStatistics>(writers_);
    memory.shadow_statistics = std::make_shared<ShadowStatistics>();
  }
  const std::vector<int> shares = {route.shadow, kWhole - route.shadow};
  if (route.shadow == 0) {
    memory.shadow = nullptr;
  } else if (!memory.shadow || memory.shadow->weights() != shares) {
    memory.shadow = std::make_shared<WeightedChoice>(shares, seed_ + 1);
  }
  VersionView view;
  view.version = route.version;
  view.weight = route.weight;
  view.statistics = memory.statistics;
  view.shadow_statistics = memory.shadow_statistics;
  view.shadow = memory.shadow;
  std::map<std::string, std::shared_ptr<LiveEndpoint>> now;
  for (const Endpoint& endpoint : route.endpoints) {
    const std::string key = endpoint.address + " " + std::to_string(endpoint.port) + " " +
                            std::to_string(endpoint.grpc_port);
    auto& kept = memory.endpoints[key];
    if (!kept) kept = std::make_shared<LiveEndpoint>(endpoint);
    if (now.emplace(key, kept).second) view.endpoints.push_back(kept);
  }
  for (const auto& [key, endpoint] : memory.endpoints) {
    if (now.count(key) != 0) continue;
    endpoint->listed = false;
    draining_.push_back({{deployment, route.version}, endpoint});
  }
  memory.endpoints = std::move(now);
  return view;
}

std::shared_ptr<DeploymentView> RouteBuilder::View(const DeploymentRoute& route,
                                                   std::int64_t ejected) {
  auto view = std::make_shared<DeploymentView>();
  view->name = route.name;
  view->resource_version = route.resource_version;
  view->port = route.port;
  view->grpc_port = route.grpc_port;
  view->timeout = route.timeout;
  view->hold = route.hold;
  view->shadow_output = route.shadow_output;
  view->shadow_threshold = route.shadow_threshold;
  for (const VersionRoute& version : route.versions)
    view->versions.push_back(View(route.name, version));
  const bool another_has_weight = std::any_of(
      view->versions.begin(), view->versions.end(),
      [&](const VersionView& version) { return version.version != ejected && version.weight > 0; });
  for (VersionView& version : view->versions) {
    if (version.version == ejected && another_has_weight) version.weight = 0;
  }
  Choose(view.get());
  return view;
}

// The count goes on where neither versions nor weights have changed.
void RouteBuilder::Choose(DeploymentView* view) {
  DeploymentMemory& memory = deployments_[view->name];
  if (!memory.live) memory.live = std::make_shared<LiveDeployment>();
  view->live = memory.live;
  std::vector<int> weights;
  std::vector<std::int64_t> versions;
  for (const VersionView& version : view->versions) {
    weights.push_back(version.weight);
    versions.push_back(version.version);
  }
  if (std::all_of(weights.begin(), weights.end(), [](int weight) { return weight == 0; })) {
    memory.choice = nullptr;
  } else if (!memory.choice || memory.chosen_among != versions ||
             memory.choice->weights() != weights) {
    memory.choice = std::make_shared<WeightedChoice>(weights, seed_);
    memory.chosen_among = std::move(versions);
  }
  view->choice = memory.choice;
}

void RouteBuilder::Forget(const RouteTable& table) {
  std::set<VersionKey> versions;
  std::set<std::string> deployments;
  for (const DeploymentRoute& route : table.deployments) {
    deployments.insert(route.name);
    for (const VersionRoute& version : route.versions)
      versions.insert({route.name, version.version});
  }
  for (auto& [key, memory] : versions_) {
    if (versions.count(key) != 0) continue;
    for (const auto& [name, endpoint] : memory.endpoints) {
      endpoint->listed = false;
      draining_.push_back({key, endpoint});
    }
    memory.endpoints.clear();
  }
  std::erase_if(versions_, [&](const auto& one) { return versions.count(one.first) == 0; });
  std::erase_if(deployments_, [&](const auto& one) { return deployments.count(one.first) == 0; });
}

std::shared_ptr<const LiveRoutes> RouteBuilder::Build(
    const RouteTable& table, const std::map<std::string, std::int64_t>& ejected,
    const Credentials& credentials) {
  auto routes = std::make_shared<LiveRoutes>();
  for (const DeploymentRoute& route : table.deployments) {
    const auto found = ejected.find(route.name);
    auto view = View(route, found == ejected.end() ? 0 : found->second);
    view->edge = credentials.Of(route.name);
    routes->deployments.push_back(std::move(view));
  }
  std::sort(routes->deployments.begin(), routes->deployments.end(),
            [](const auto& a, const auto& b) { return a->port < b->port; });
  Forget(table);
  return routes;
}

std::vector<RouteBuilder::Draining> RouteBuilder::StillDraining() {
  std::erase_if(draining_, [](const auto& one) { return one.second->in_flight == 0; });
  std::vector<Draining> still;
  for (const auto& [key, endpoint] : draining_)
    still.push_back({key.first, key.second, endpoint->where, endpoint->in_flight});
  return still;
}

}  // namespace penstock::router
