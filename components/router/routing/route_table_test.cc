#include "components/router/routing/route_table.h"

#include <gtest/gtest.h>

#include "operator/base/json.h"

namespace penstock::router {
namespace {

std::string Why(const std::string& text) {
  const auto table = ParseRouteTable(text, "table.json");
  return table ? "" : table.error().message;
}

std::string With(const std::string& versions) {
  return R"({"deployments":[{"name":"m","port":9000,"versions":[)" + versions + "]}]}";
}

TEST(RouteTable, ReadsWhatItWrote) {
  RouteTable table;
  table.deployments.push_back(
      {.name = "m",
       .resource_version = "12",
       .port = 20'001,
       .versions = {{.version = 7, .weight = 9'500, .endpoints = {{"10.0.0.1", 8080}, {"::1", 80}}},
                    {.version = 8, .weight = 500, .shadow = 25, .max_error_rate = 0.01}},
       .timeout = std::chrono::milliseconds(1'500),
       .hold = {.requests = 3, .bytes = 4, .time = std::chrono::seconds(5)},
       .shadow_output = "p",
       .shadow_threshold = 0.25,
       .tls = TlsRoute{"flights-tls", "/a/tls.crt", "/a/tls.key"},
       .tokens = TokenRoute{"https://issuer", {"a", "b"}, "", "/b/jwks.json", "ConfigMap b"}});
  DeploymentRoute by_url = table.deployments[0];
  by_url.name = "n";
  by_url.port = 20'002;
  by_url.tokens =
      TokenRoute{"https://issuer", {"a"}, "", "", "the URL", "https://issuer/keys", "/b/ca.crt"};
  table.deployments.push_back(std::move(by_url));
  const auto read = ParseRouteTable(ToJson(table).dump(), "itself");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, table);
}

TEST(RouteTable, ReadsAndWritesSharesExactly) {
  for (const auto& [text, share] : std::vector<std::pair<std::string, int>>{{"0%", 0},
                                                                            {"0.01%", 1},
                                                                            {"1%", 100},
                                                                            {"33.33%", 3'333},
                                                                            {"99.5%", 9'950},
                                                                            {"100%", 10'000}}) {
    EXPECT_EQ(ParseShare(text).value_or(-1), share) << text;
    EXPECT_EQ(FormatShare(share), text);
  }
  for (const char* wrong :
       {"", "%", "1", "-1%", "1.%", "1.234%", "100.01%", "1e1%", " 1%", "0x1%", "1000%"})
    EXPECT_FALSE(ParseShare(wrong)) << wrong;
}

TEST(RouteTable, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Why(With(R"({"version":1,"weight":"99%"})")),
            "table.json: deployment 'm': the weights add up to 99%, not to 100%");
  EXPECT_NE(Why(With(R"({"version":1,"weight":"100%","endpoints":["model:80"]})"))
                .find("endpoint 'model:80' is not ADDRESS:PORT with an IP address"),
            std::string::npos);
  for (const char* wrong :
       {"1.2.3.4", "1.2.3.4:0", "1.2.3.4:70000", "::1:80", "[1.2.3.4]:80", "1.2.3.4:80x"})
    EXPECT_NE(
        Why(With(std::string(R"({"version":1,"weight":"100%","endpoints":[")") + wrong + "\"]}")),
        "")
        << wrong;
  EXPECT_NE(Why(With(R"({"version":1,"weight":"50%"},{"version":1,"weight":"50%"})")).find("twice"),
            std::string::npos);
  EXPECT_NE(Why(R"({"deployments":[{"name":"m","port":0}]})").find("port 0"), std::string::npos);
  EXPECT_NE(Why(R"({"deployments":[{"name":"a","port":1},{"name":"b","port":1}]})").find("another"),
            std::string::npos);
  EXPECT_NE(Why("{}"), "");
  EXPECT_NE(Why("["), "");
  EXPECT_EQ(Why(R"({"deployments":[{"name":"m","port":1}]})"), "");
}

TEST(RouteTable, PortsOfGrpcAreKeptAndAreNobodyElses) {
  DeploymentRoute route;
  route.name = "m";
  route.port = 1;
  route.grpc_port = 2;
  route.versions = {
      {.version = 1, .weight = kWhole, .endpoints = {{"10.0.0.1", 8080, 8081}, {"::1", 80}}}};
  const RouteTable table{{route}};
  const auto again = ParseRouteTable(ToJson(table).dump(), "kept");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, table);
  for (const char* wrong : {"0", "70000", "1", "\"2\""})
    EXPECT_NE(
        Why(std::string(R"({"deployments":[{"name":"m","port":1,"grpcPort":)") + wrong + "}]}"), "")
        << wrong;
  for (const char* wrong : {R"({"at":"1.2.3.4:80"})", R"({"at":"1.2.3.4:80","grpcPort":0})", "1"})
    EXPECT_NE(
        Why(With(std::string(R"({"version":1,"weight":"100%","endpoints":[)") + wrong + "]}")), "")
        << wrong;
}

TEST(RouteTable, RefusesNumbersThatNoWholeNumberHolds) {
  for (const char* wrong : {"1e300", "1.5", "-1e300", "18446744073709551615"}) {
    const std::string number = wrong;
    EXPECT_NE(Why(With(R"({"version":)" + number + R"(,"weight":"100%"})")), "") << wrong;
    EXPECT_NE(Why(R"({"deployments":[{"name":"m","port":)" + number + "}]}"), "") << wrong;
    EXPECT_NE(Why(R"({"deployments":[{"name":"m","port":1,"hold":{"requests":)" + number + "}}]}"),
              "")
        << wrong;
  }
}

}  // namespace
}  // namespace penstock::router
