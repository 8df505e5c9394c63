// When a pod counts as ready: its probe, asked on this machine.
#include <fstream>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/readiness.h"
#include "operator/local/testing/process_runner_fixture.h"
#include "operator/net/testing/fake_server.h"

namespace penstock::local {
namespace {

bool ShowsReady(const Json& pod) {
  if (pod.is_null() || !pod.contains("status")) return false;
  for (const Json& c : pod["status"].value("conditions", Json::array()))
    if (c["type"] == "Ready") return c["status"] == "True";
  return false;
}

TEST_F(ProcessRunnerTest, APodIsReadyWhenItsProbeHoldsAndNotBefore) {
  const std::string flag = (state_ / "serves").string();
  Json pod = InTurn("server", {"exec sleep 600"});
  pod["spec"]["containers"][0]["readinessProbe"] = {
      {"exec", {{"command", {"/bin/sh", "-c", "test -e " + flag}}}}};
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", pod));
  EXPECT_FALSE(ShowsReady(AwaitPhase("server", "Running")));
  fs::create_directories(state_);
  std::ofstream(flag) << "x";
  Await("server", [](const Json& seen) { return ShowsReady(seen); });
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", InTurn("plain", {"exec sleep 600"})));
  EXPECT_TRUE(ShowsReady(AwaitPhase("plain", "Running")));
}

TEST_F(ProcessRunnerTest, APodWhoseProbeHoldsNoMoreIsNotReadyAndThenIsAgain) {
  const std::string flag = (state_ / "serves").string();
  fs::create_directories(state_);
  std::ofstream(flag) << "x";
  Json pod = InTurn("server", {"exec sleep 600"});
  pod["spec"]["containers"][0]["readinessProbe"] = {
      {"exec", {{"command", {"/bin/sh", "-c", "test -e " + flag}}}},
      {"periodSeconds", 1},
      {"failureThreshold", 1}};
  ASSERT_TRUE(cluster_.Create(kube::kPods, "default", pod));
  Await("server", [](const Json& seen) { return ShowsReady(seen); });
  fs::remove(flag);
  Await("server", [](const Json& seen) { return !ShowsReady(seen); });
  std::ofstream(flag) << "x";
  Await("server", [](const Json& seen) { return ShowsReady(seen); });
}

TEST(IsReady, AsksPortsAndPathsOfThisMachine) {
  const net::FakeServer server([](net::FakeConnection& c) {
    for (std::string request; !(request = c.ReadRequest()).empty();)
      c.Answer(request.starts_with("GET /ok ") ? 204 : 500, "");
  });
  const int port = std::stoi(server.url().substr(server.url().rfind(':') + 1));
  const auto no_exec = [](const std::vector<std::string>&, std::stop_token) { return false; };
  const auto ready = [&](const Json& probe) { return IsReady(probe, no_exec, {}); };
  EXPECT_TRUE(ready({{"tcpSocket", {{"port", port}}}}));
  EXPECT_TRUE(ready({{"httpGet", {{"port", port}, {"path", "/ok"}}}}));
  EXPECT_FALSE(ready({{"httpGet", {{"port", port}, {"path", "/other"}}}}));
  EXPECT_FALSE(ready({{"tcpSocket", {{"port", 1}}}}));
  EXPECT_FALSE(ready({{"exec", {{"command", {"true"}}}}}));
}

}  // namespace
}  // namespace penstock::local
