// A router on loopback with one ModelDeployment "m", whose servers a test makes.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "components/router/proxy/router.h"
#include "components/router/proxy/testing/sockets.h"

namespace penstock::router {

class RouterTest : public testing::Test {
 protected:
  RouterTest() { options_.address = "127.0.0.1", options_.threads = 2; }

  // Starts the router with the first call; changes its table with the next.
  void Use(std::vector<VersionRoute> versions) {
    if (!router_) {
      auto router = Router::Start(options_);
      ASSERT_TRUE(router) << router.error().message;
      router_ = std::move(*router);
    }
    route_.name = "m";
    route_.resource_version = std::to_string(++generation_);
    route_.port = port_;
    route_.versions = std::move(versions);
    router_->Publish(std::make_shared<const RouteTable>(RouteTable{{route_}}));
  }
  // One version with all the weight.
  void Serve(const FakeServer& server) {
    Use({{.version = 1, .weight = kWhole, .endpoints = {server.endpoint()}}});
  }

  [[nodiscard]] std::unique_ptr<Connection> Client() const { return ConnectTo(port_); }
  // The answer to one request on a connection of its own.
  [[nodiscard]] std::string Ask(const std::string& request) const {
    const auto client = Client();
    if (!client) return "no connection";
    client->Send(request);
    return client->Read();
  }
  [[nodiscard]] VersionTotals Totals(std::int64_t version) const {
    return router_->Look().routes->deployments.at(0)->Find(version)->statistics->Totals();
  }
  [[nodiscard]] const LiveDeployment& Live() const {
    return *router_->Look().routes->deployments.at(0)->live;
  }

  RouterOptions options_;
  DeploymentRoute route_;
  std::uint16_t port_ = FreePort();
  int generation_ = 0;
  std::unique_ptr<Router> router_;
};

}  // namespace penstock::router
