#include "operator/rollouts/servers_measure.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "operator/rollouts/exposition.h"

namespace penstock::rollouts {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Histogram(const std::string& what, const std::string& version, int first, int all) {
  const std::string name = "penstock_serve_" + what + "_duration_seconds";
  const std::string labels = "{model=\"flights\",version=\"" + version + "\"";
  return "# TYPE " + name + " histogram\n" + name + "_count" + labels + "} " + std::to_string(all) +
         "\n" + name + "_bucket" + labels + ",le=\"5e-05\"} " + std::to_string(first) + "\n" +
         name + "_bucket" + labels + ",le=\"0.0001\"} " + std::to_string(first) + "\n" + name +
         "_bucket" + labels + ",le=\"+Inf\"} " + std::to_string(all) + "\n";
}

std::string Metrics(const std::string& version) {
  return Histogram("queue", version, 3, 7) + Histogram("compute", version, 0, 7) +
         "penstock_serve_drift_rows 1200\n"
         "penstock_serve_drift_psi{kind=\"input\",column=\"a \\\"b\\\" \\\\\"} 0.125\n"
         "penstock_serve_drift_psi{kind=\"output\",column=\"late\"} NaN\n";
}

TEST(ReadServer, KnowsTimesApartAndDriftByColumn) {
  const auto fact = ReadServer(Metrics("8"), "flights", 8);
  ASSERT_TRUE(fact);
  EXPECT_THAT(fact->bounds, ElementsAre(5e-05, 0.0001));
  EXPECT_THAT(fact->queue, ElementsAre(3, 0, 4));
  EXPECT_THAT(fact->compute, ElementsAre(0, 0, 7));
  EXPECT_EQ(fact->drift_rows, 1200);
  EXPECT_EQ(fact->drift.at("input a \"b\" \\"), 0.125);
  EXPECT_TRUE(std::isnan(fact->drift.at("output late")));
}

TEST(ReadServer, CountsAnswersByTheirCodes) {
  const std::string of = "{model=\"flights\",version=\"8\",operation=\"infer\",code=\"";
  std::string text = Metrics("8");
  for (const auto& [code, n] :
       std::map<std::string, int>{{"200", 90}, {"400", 4}, {"429", 2}, {"500", 3}, {"504", 1}})
    text += "penstock_serve_requests_total" + of + code + "\"} " + std::to_string(n) + "\n";
  text += "penstock_serve_requests_total{operation=\"health\",code=\"503\"} 70\n";
  const auto fact = ReadServer(text, "flights", 8);
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->answered.requests, 100);
  EXPECT_EQ(fact->answered.ok, 90);
  EXPECT_EQ(fact->answered.server_errors, 3);
  EXPECT_EQ(fact->answered.timeouts, 1);
  EXPECT_EQ(fact->answered.client_errors.at("infer:400"), 4);
}

TEST(ReadServer, TakesNoWordOfAnotherModelOrVersion) {
  EXPECT_FALSE(ReadServer(Metrics("8"), "flights", 7));
  EXPECT_FALSE(ReadServer(Metrics("8"), "boats", 8));
  EXPECT_FALSE(ReadServer("", "flights", 8));
  EXPECT_FALSE(ReadServer("<html>not metrics</html>", "flights", 8));
}

TEST(ReadServer, TakesNoHistogramThatFallsOrHasNoEnd) {
  std::string falls = Metrics("8");
  falls.replace(falls.find("le=\"+Inf\"} 7"), 12, "le=\"+Inf\"} 1");
  EXPECT_FALSE(ReadServer(falls, "flights", 8));
  std::string endless = Metrics("8");
  endless.replace(endless.find("+Inf"), 4, "zebr");
  EXPECT_FALSE(ReadServer(endless, "flights", 8));
  std::string huge = Metrics("8");
  huge.replace(huge.find("le=\"+Inf\"} 7"), 12, "le=\"+Inf\"} 9e99");
  EXPECT_FALSE(ReadServer(huge, "flights", 8));
}

TEST(ReadSamples, LeavesOutLinesThatAreNone) {
  const auto samples = ReadSamples(
      "a{b=\"unclosed} 1\na{b=\"x\" 1\na\na x\na{} 2\na 3 1700000000\nb 4\na{b=\"\\", "a");
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].value, 2);
  EXPECT_EQ(samples[1].value, 3);
}

TEST(ReadSamples, BoundsWhatAPodCanMakeItKeep) {
  std::string text;
  for (int i = 0; i < 30'000; ++i) text += "a " + std::to_string(i) + "\n";
  EXPECT_EQ(ReadSamples(text, "a").size(), 20'000U);
}

TEST(MeasureServers, LeavesOutThoseThatDoNotAnswer) {
  rollout::ServersToAsk servers;
  servers.model = "flights";
  servers.all = {{"old", "10.0.0.7", 8080, 7}, {"new", "10.0.0.8", 8080, 8}};
  const auto ask = [](const rollout::ServerAddress& server,
                      const ServerRequest& request) -> Result<ServerAnswer> {
    EXPECT_EQ(request.target, "/metrics");
    EXPECT_LE(request.most, Milliseconds(2'000));
    if (server.pod == "old") return Transient("pod old: connection refused");
    return ServerAnswer{200, Metrics("8")};
  };
  const ServersMeasure m = MeasureServers(servers, ask);
  EXPECT_EQ(m.error, "");
  ASSERT_EQ(m.servers.size(), 1U);
  EXPECT_EQ(m.servers[0].pod, "new");
}

TEST(MeasureServers, SaysWhyNobodyTold) {
  rollout::ServersToAsk servers;
  servers.model = "flights";
  const auto silent = [](const auto&, const auto&) -> Result<ServerAnswer> {
    return ServerAnswer{404, ""};
  };
  EXPECT_EQ(MeasureServers(servers, silent).error, "no pod is Ready with an address of its own");
  servers.all = {{"new", "10.0.0.8", 8080, 8}};
  EXPECT_EQ(MeasureServers(servers, silent).error, "pod new answers 404 to GET /metrics");
  EXPECT_THAT(MeasureServers(servers, silent).servers, IsEmpty());
  const auto of_another = [](const auto&, const auto&) -> Result<ServerAnswer> {
    return ServerAnswer{200, Metrics("9")};
  };
  EXPECT_THAT(MeasureServers(servers, of_another).error, HasSubstr("tells nothing of version 8"));
}

}  // namespace
}  // namespace penstock::rollouts
