#include "components/router/watch/table_builder.h"

#include <gmock/gmock.h>

#include "components/router/watch/testing/objects.h"

namespace penstock::router {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* kAll = R"([{"version": 1, "weight": "100%"}])";
const char* kSplit =
    R"([{"version": 7, "weight": "94.75%"},
        {"version": 8, "weight": "5.25%", "shadow": "10%", "maxErrorRate": "0.5%"}])";

class RoutesOf : public ::testing::Test {
 protected:
  void Add(Json md) {
    TrimModelDeployment(md);
    mds_.push_back(std::make_shared<const Json>(std::move(md)));
  }
  void AddSlice(Json slice) {
    TrimEndpointSlice(slice);
    slices_.push_back(std::make_shared<const Json>(std::move(slice)));
  }
  RouteTable Build() {
    RouteTable table = builder_.Build(mds_, slices_);
    EXPECT_TRUE(Check(table));
    mds_.clear();
    slices_.clear();
    return table;
  }
  // "flights:20001 7=9475(10.0.0.1:8080) 8=525()".
  std::string Text() {
    std::string out;
    for (const auto& d : Build().deployments) {
      out += (out.empty() ? "" : " | ") + d.name + ":" + std::to_string(d.port);
      for (const auto& v : d.versions) {
        out += " " + std::to_string(v.version) + "=" + std::to_string(v.weight) + "(";
        for (std::size_t i = 0; i < v.endpoints.size(); ++i)
          out += (i == 0 ? "" : " ") + v.endpoints[i].address + ":" +
                 std::to_string(v.endpoints[i].port);
        out += ")";
      }
    }
    return out;
  }

  TableBuilder builder_{"/edge"};
  std::vector<kube::ObjectPtr> mds_, slices_;
};

TEST_F(RoutesOf, ASplitHaveTheWeightsBoundsAndEndpointsOfEachVersion) {
  Add(ModelDeployment("flights", 20001, kSplit, "41"));
  AddSlice(Slice("flights", 7, {Server("10.0.0.2"), Server("10.0.0.1")}));
  AddSlice(Slice("flights", 8, {Server("10.0.0.3")}));
  AddSlice(Slice("another", 7, {Server("10.0.0.4")}));
  const RouteTable table = Build();
  ASSERT_EQ(table.deployments.size(), 1U);
  const DeploymentRoute& route = table.deployments[0];
  EXPECT_EQ(route.name, "flights");
  EXPECT_EQ(route.resource_version, "41");
  EXPECT_EQ(route.port, 20001);
  ASSERT_EQ(route.versions.size(), 2U);
  EXPECT_EQ(route.versions[0].weight, 9475);
  EXPECT_THAT(route.versions[0].endpoints,
              ElementsAre(Endpoint{"10.0.0.1", 8080}, Endpoint{"10.0.0.2", 8080}));
  EXPECT_FALSE(route.versions[0].max_error_rate);
  EXPECT_EQ(route.versions[1].weight, 525);
  EXPECT_EQ(route.versions[1].shadow, 1000);
  EXPECT_DOUBLE_EQ(route.versions[1].max_error_rate.value_or(0), 0.005);
  EXPECT_THAT(route.versions[1].endpoints, ElementsAre(Endpoint{"10.0.0.3", 8080}));
  EXPECT_THAT(builder_.problems(), IsEmpty());
}

TEST_F(RoutesOf, EndpointsAreThoseThatAreReadyAndStay) {
  Add(ModelDeployment("flights", 20001, kAll));
  AddSlice(Slice("flights", 1,
                 {Server("10.0.0.1", {{"ready", true}, {"serving", true}, {"terminating", false}}),
                  Server("10.0.0.2", {{"ready", false}, {"serving", false}}),
                  Server("10.0.0.3", {{"ready", false}, {"serving", true}, {"terminating", true}}),
                  // as a Service with publishNotReadyAddresses has it
                  Server("10.0.0.4", {{"ready", true}, {"serving", true}, {"terminating", true}}),
                  Server("10.0.0.5", {{"ready", true}, {"serving", false}}),
                  Server("10.0.0.6", {{"ready", nullptr}})}));
  EXPECT_EQ(Text(), "flights:20001 1=10000(10.0.0.1:8080 10.0.0.6:8080)");
}

TEST_F(RoutesOf, TwoSlicesOfAVersionAreOneListAndAServerStandsInItOnce) {
  Add(ModelDeployment("flights", 20001, kAll));
  AddSlice(Slice("flights", 1, {Server("10.0.0.2"), Server("10.0.0.1")}));
  AddSlice(Slice("flights", 1, {Server("10.0.0.2"), Server("10.0.0.3")}));
  EXPECT_EQ(Text(), "flights:20001 1=10000(10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080)");
}

TEST_F(RoutesOf, ThePortIsTheOneNamedHttp) {
  Add(ModelDeployment("flights", 20001, kAll));
  Json slice = Slice("flights", 1, {Server("10.0.0.1")});
  slice["ports"] = Json::parse(R"([{"name": "grpc", "port": 8081}, {"name": "http", "port": 80}])");
  AddSlice(slice);
  EXPECT_EQ(Text(), "flights:20001 1=10000(10.0.0.1:80)");
}

TEST_F(RoutesOf, GrpcGoesToThePortThatIsNamedSo) {
  Json md = ModelDeployment("flights", 20001, kAll);
  md["status"]["router"]["grpcPort"] = 20002;
  Add(md);
  Json slice = Slice("flights", 1, {Server("10.0.0.1")});
  slice["ports"] = Json::parse(R"([{"name": "grpc", "port": 8081}, {"name": "http", "port": 80}])");
  AddSlice(slice);
  AddSlice(Slice("flights", 1, {Server("10.0.0.2")}));  // of a pod that has no such port
  const RouteTable table = Build();
  ASSERT_EQ(table.deployments.size(), 1U);
  EXPECT_EQ(table.deployments[0].grpc_port, 20002);
  EXPECT_THAT(table.deployments[0].versions[0].endpoints,
              ElementsAre(Endpoint{"10.0.0.1", 80, 8081}, Endpoint{"10.0.0.2", 8080, 0}));
}

TEST_F(RoutesOf, APortOfGrpcThatIsAnothersTakesNothingFromHttp) {
  Add(ModelDeployment("a", 20001, kAll));
  Json md = ModelDeployment("b", 20002, kAll);
  md["status"]["router"]["grpcPort"] = 20001;
  Add(md);
  EXPECT_EQ(Text(), "a:20001 1=10000() | b:20002 1=10000()");
  EXPECT_THAT(builder_.problems(), ElementsAre(HasSubstr("its gRPC is not routed")));
}

TEST_F(RoutesOf, WithoutPortOrTrafficThereIsNone) {
  Add(ModelDeployment("flights", 20001, "[]"));
  Json waiting = ModelDeployment("waiting", 20002, kAll);
  waiting.erase("status");
  Add(waiting);
  EXPECT_EQ(Text(), "");
  EXPECT_THAT(builder_.problems(), IsEmpty());
}

TEST_F(RoutesOf, AStatusThatCannotBeReadChangesNothingButItsEndpoints) {
  Add(ModelDeployment("flights", 20001, kAll));
  AddSlice(Slice("flights", 1, {Server("10.0.0.1")}));
  Build();
  for (const char* traffic :
       {R"([{"version": 2, "weight": "99%"}])", R"([{"version": 2, "weight": 100}])",
        R"([{"version": "2", "weight": "100%"}])", R"([{"version": 2, "weight": "100"}])",
        R"([{"version": 2, "weight": "100%", "maxErrorRate": "a%"}])"}) {
    Add(ModelDeployment("flights", 20001, traffic));
    Add(ModelDeployment("other", 20002, kAll));
    AddSlice(Slice("flights", 1, {Server("10.0.0.9")}));
    EXPECT_EQ(Text(), "flights:20001 1=10000(10.0.0.9:8080) | other:20002 1=10000()") << traffic;
    EXPECT_THAT(builder_.problems(), ElementsAre(HasSubstr("ModelDeployment flights: ")))
        << traffic;
  }
}

TEST_F(RoutesOf, ALostStatusChangesNothingAndADeletedObjectDoes) {
  Add(ModelDeployment("flights", 20001, kAll));
  Build();
  Json lost = ModelDeployment("flights", 20001, kAll);
  lost["status"].erase("router");
  lost["status"].erase("traffic");
  Add(lost);
  EXPECT_EQ(Text(), "flights:20001 1=10000()");
  EXPECT_THAT(builder_.problems(), ElementsAre(HasSubstr("lost its status")));
  EXPECT_EQ(Text(), "");
}

TEST_F(RoutesOf, OneThatGoesThroughRoutersNoMoreHasNone) {
  Add(ModelDeployment("flights", 20001, kAll));
  Build();
  Add(ModelDeployment("flights", 20001, "[]"));
  EXPECT_EQ(Text(), "");
}

TEST_F(RoutesOf, AGuardedPortNameTheFilesOfItsCertificateAndKeys) {
  Json md = ModelDeployment("flights", 20001, kAll);
  md["spec"]["expose"] = Json::parse(R"({"tls": {"secretName": "flights-tls"},
    "jwt": {"issuer": "https://i", "audiences": ["a", "b"],
            "jwks": {"configMap": {"name": "issuer", "key": "jwks.json"}}}})");
  Add(md);
  const RouteTable table = Build();
  ASSERT_EQ(table.deployments.size(), 1U);
  const DeploymentRoute& route = table.deployments[0];
  ASSERT_TRUE(route.tls && route.tokens);
  EXPECT_EQ(*route.tls, (TlsRoute{"flights-tls", "/edge/secrets/flights-tls/tls.crt",
                                  "/edge/secrets/flights-tls/tls.key"}));
  EXPECT_EQ(route.tokens->keys_file, "/edge/configmaps/issuer/jwks.json");
  EXPECT_EQ(route.tokens->from, "ConfigMap issuer, key jwks.json");
  EXPECT_THAT(route.tokens->audiences, ElementsAre("a", "b"));
}

TEST_F(RoutesOf, KeysAtAUrlNameItAndTheFileOfItsAuthority) {
  Json md = ModelDeployment("flights", 20001, kAll);
  md["spec"]["expose"] = Json::parse(R"({"jwt": {"issuer": "https://i", "audiences": ["a"],
    "jwks": {"uri": "https://i/keys", "ca": {"configMap": {"name": "corp", "key": "ca.crt"}}}}})");
  Add(md);
  const RouteTable table = Build();
  ASSERT_EQ(table.deployments.size(), 1U);
  const auto& tokens = table.deployments[0].tokens;
  ASSERT_TRUE(tokens);
  EXPECT_EQ(*tokens, (TokenRoute{"https://i",
                                 {"a"},
                                 "",
                                 "",
                                 "expose.jwt.jwks.uri https://i/keys",
                                 "https://i/keys",
                                 "/edge/configmaps/corp/ca.crt"}));
}

// What cannot be read is never taken for "nothing is asked for".
TEST_F(RoutesOf, AGuardThatCannotBeReadAreNone) {
  for (const char* expose :
       {R"({"tls": {"secretName": "../other"}})", R"({"tls": {}})", R"({"tls": "x"})",
        R"({"jwt": {"issuer": "i", "jwks": {"inline": "{}"}}})",
        R"({"jwt": {"issuer": "i", "audiences": ["a"], "jwks": {}}})",
        R"({"jwt": {"audiences": ["a"], "jwks": {"inline": "{}"}}})",
        R"({"jwt": {"issuer": "i", "audiences": ["a"], "jwks": {"uri": "http://i/keys"}}})",
        R"({"jwt": {"issuer": "i", "audiences": ["a"], "jwks":
            {"uri": "https://i/keys", "inline": "{}"}}})",
        R"({"jwt": {"issuer": "i", "audiences": ["a"], "jwks":
            {"uri": "https://i/keys", "ca": {"configMap": {"name": "../x", "key": "k"}}}}})",
        R"({"jwt": {"issuer": "i", "audiences": ["a"], "jwks":
            {"configMap": {"name": "n", "key": ".."}}}})"}) {
    builder_.Remember(Kept("flights", 20001));  // from before it was guarded
    Json md = ModelDeployment("flights", 20001, kAll);
    md["spec"]["expose"] = Json::parse(expose);
    Add(md);
    EXPECT_EQ(Text(), "") << expose;
    EXPECT_THAT(builder_.problems(), ElementsAre(HasSubstr("flights"))) << expose;
  }
}

TEST_F(RoutesOf, AStatusThatWasLostAreKeptWithTodaysGuard) {
  builder_.Remember(Kept("flights", 20001));
  Json md = ModelDeployment("flights", 20001, kAll);
  md["status"] = Json::object();
  md["spec"]["expose"] = {{"tls", {{"secretName", "s"}}}};
  Add(md);
  const RouteTable table = Build();
  ASSERT_EQ(table.deployments.size(), 1U);
  EXPECT_TRUE(table.deployments[0].tls);
}

TEST_F(RoutesOf, APortThatTwoSayIsTheFirstOnesAndIsTold) {
  Add(ModelDeployment("a", 20001, kAll));
  Add(ModelDeployment("b", 20001, kAll));
  Add(ModelDeployment("c", 20003, kAll));
  EXPECT_EQ(Text(), "a:20001 1=10000() | c:20003 1=10000()");
  EXPECT_THAT(builder_.problems(), ElementsAre(HasSubstr("port 20001 is that of a")));
}

TEST_F(RoutesOf, WhatWasPublishedBeforeIsKeptWhereTheFirstStatusCannotBeRead) {
  builder_.Remember(Kept("flights", 20001));
  Add(ModelDeployment("flights", 20001, R"([{"version": 1, "weight": "1%"}])"));
  EXPECT_EQ(Text(), "flights:20001 1=10000()");
}

}  // namespace
}  // namespace penstock::router
