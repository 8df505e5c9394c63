// What stands beside the servers of a ModelDeployment, over the in-memory cluster: the HTTPRoute
// from a Gateway, whose controller a test plays, and the PodDisruptionBudget.
#include <gmock/gmock.h>

#include "operator/controllers/testing/engine_model_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;

class EngineExpose : public EngineModels {
 protected:
  void ServeBehindAGateway() {
    Create(kube::kModelDeployments,
           "metadata: {name: flights}\nspec: {model: \"" + Digest("one") +
               "\", replicas: 1, expose: {gateway: {name: public, namespace: gateways}, hostname: "
               "flights.example.com}}\n");
    MakeAvailable("flights-v1");
  }
  void Answer(const std::string& accepted, const std::string& reason) {
    const Json condition{{"type", "Accepted"}, {"status", accepted}, {"reason", reason}};
    const Json parent{{"parentRef", {{"name", "public"}, {"namespace", "gateways"}}},
                      {"conditions", Json::array({condition})}};
    auto written = cluster_.MergePatch(kube::kHTTPRoutes, "team", "flights",
                                       {{"status", {{"parents", Json::array({parent})}}}},
                                       {.subresource = "status"});
    ASSERT_TRUE(written) << written.error().message;
  }
  static Json ExposedOf(const Json& object) {
    for (const Json& c : object["status"]["conditions"])
      if (c["type"] == "Exposed") return c;
    return {};
  }
};

TEST_F(EngineExpose, AreReadyWhenTheGatewayTakesTheirRouteAndTheRouteGoesWithIt) {
  StartEngine();
  ServeBehindAGateway();
  const Json waits = AwaitReady("False", "RoutePending");
  EXPECT_EQ(ConditionOf(waits, "Available"), "True");
  const Json route = AwaitThere(kube::kHTTPRoutes, "flights");
  EXPECT_EQ(route["spec"]["parentRefs"][0]["namespace"], "gateways");
  EXPECT_EQ(route["spec"]["rules"][0]["backendRefs"][0]["port"], 80);
  Answer("False", "NotAllowedByListeners");
  EXPECT_THAT(MessageOf(AwaitReady("False", "RouteRefused")), HasSubstr("NotAllowedByListeners"));
  Answer("True", "Accepted");
  EXPECT_EQ(ExposedOf(AwaitReady("True", "Available"))["status"], "True");
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"expose", nullptr}}}});
  AwaitThat("the route is gone", [&] { return ListAll(kube::kHTTPRoutes).empty(); });
  Await(kube::kModelDeployments, "flights", "not exposed",
        [](const Json& object) { return ExposedOf(object).is_null(); });
}

TEST_F(EngineExpose, AClusterWithoutTheGatewayAPIIsToldByNameAndTheModelIsServed) {
  const Interception missing(cluster_, [](const local::Request& request) -> std::optional<Error> {
    if (request.type != kube::kHTTPRoutes) return std::nullopt;
    return Error{ErrorKind::kNotFound, "404 page not found"};
  });
  StartEngine();
  ServeBehindAGateway();
  const Json told = AwaitReady("False", "NoGatewayAPI");
  EXPECT_THAT(MessageOf(told), HasSubstr("is served within the cluster; the cluster has no "
                                         "HTTPRoute (gateway.networking.k8s.io/v1)"));
  EXPECT_EQ(ConditionOf(told, "Stalled"), "True");
  EXPECT_EQ(ConditionOf(told, "Available"), "True");
  StopEngine();
}

TEST_F(EngineExpose, ARouteOfAnotherOwnerIsNotTakenOver) {
  Create(kube::kHTTPRoutes, "metadata: {name: flights}\nspec: {}\n");
  StartEngine();
  ServeBehindAGateway();
  EXPECT_THAT(MessageOf(AwaitReady("False", "NameTaken")), HasSubstr("HTTPRoute flights: "));
  EXPECT_FALSE(Get(kube::kHTTPRoutes, "flights")["metadata"].contains("ownerReferences"));
}

TEST_F(EngineExpose, TwoServersHaveADisruptionBudgetAndOneHasNone) {
  const auto budgets = [&] {
    std::size_t n = 0;
    for (const Json& one : ListAll(kube::kDisruptionBudgets))
      n += one["metadata"]["name"] == "flights" ? 1 : 0;
    return n;
  };
  StartEngine();
  ServeVersionOne();
  EXPECT_EQ(budgets(), 0U);
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"replicas", 2}}}});
  const Json budget = AwaitThere(kube::kDisruptionBudgets, "flights");
  EXPECT_EQ(budget["spec"]["maxUnavailable"], 1);
  EXPECT_EQ(budget["spec"]["selector"]["matchLabels"]["penstock.dev/model-deployment"], "flights");
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"replicas", 1}}}});
  AwaitThat("the budget is gone", [&] { return budgets() == 0; });
}

TEST_F(EngineExpose, NoPodOfAServerGetsASecondDisruptionBudgetBesideOneOfTheUsers) {
  Create(kube::kDisruptionBudgets,
         "metadata: {name: mine}\nspec: {maxUnavailable: 2, selector: {matchLabels: "
         "{penstock.dev/model-deployment: flights}}}\n");
  Create(kube::kDisruptionBudgets,
         "metadata: {name: others}\nspec: {maxUnavailable: 2, selector: {matchExpressions: [{key: "
         "app, operator: In, values: [web]}]}}\n");
  StartEngine();
  ServeVersionOne();
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"replicas", 2}}}});
  Await(kube::kDeployments, "flights-v1", "two replicas",
        [](const Json& object) { return object["spec"]["replicas"] == 2; });
  MakeAvailable("flights-v1", 2);
  Await(kube::kModelDeployments, "flights", "two servers", [](const Json& object) {
    return object["status"]["replicas"] == 2 && ConditionOf(object, "Ready") == "True";
  });
  EXPECT_EQ(ListAll(kube::kDisruptionBudgets).size(), 2U);
  ASSERT_TRUE(cluster_.Delete(kube::kDisruptionBudgets, "team", "mine"));
  Patch(kube::kModelDeployments, "flights", {{"metadata", {{"annotations", {{"look", "again"}}}}}});
  AwaitThere(kube::kDisruptionBudgets, "flights");
}

}  // namespace
}  // namespace penstock::controllers
