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

TEST_F(EngineExpose, ARouteThatSomebodyEditedOrDeletedIsAsItWas) {
  resync_ = Milliseconds(200);
  StartEngine();
  ServeBehindAGateway();
  AwaitThere(kube::kHTTPRoutes, "flights");
  Answer("True", "Accepted");
  AwaitReady("True", "Available");
  // More than ours, within a list of ours: what was applied is in there still.
  Json rules = Get(kube::kHTTPRoutes, "flights")["spec"]["rules"];
  rules[0]["timeouts"] = {{"request", "1s"}};
  const auto rule_is_ours = [](const Json& route) {
    const Json& all = route["spec"]["rules"];
    return all.size() == 1 && !all[0].contains("timeouts") &&
           all[0]["backendRefs"][0]["name"] == "flights";
  };
  Patch(kube::kHTTPRoutes, "flights", {{"spec", {{"rules", rules}}}});
  Await(kube::kHTTPRoutes, "flights", "without the time-out", rule_is_ours);
  rules[0].erase("timeouts");
  rules[0]["backendRefs"][0]["name"] = "another";
  Patch(kube::kHTTPRoutes, "flights", {{"spec", {{"rules", rules}}}});
  Await(kube::kHTTPRoutes, "flights", "led to the Service", rule_is_ours);
  Patch(kube::kHTTPRoutes, "flights", {{"spec", {{"hostnames", Json::array({"b.example.com"})}}}});
  Await(kube::kHTTPRoutes, "flights", "of its host", [](const Json& route) {
    return route["spec"]["hostnames"] == Json::array({"flights.example.com"});
  });
  const Json first = Get(kube::kHTTPRoutes, "flights");
  ASSERT_TRUE(cluster_.Delete(kube::kHTTPRoutes, "team", "flights"));
  Await(kube::kHTTPRoutes, "flights", "another",
        [&](const Json& route) { return route["metadata"]["uid"] != first["metadata"]["uid"]; });
}

TEST_F(EngineExpose, WhatNobodyEditsIsAppliedOnceByEachOperator) {
  std::atomic<int> applied = 0, looks = 0;
  const Interception counting(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.type != kube::kHTTPRoutes) return std::nullopt;
    applied += request.verb == "apply" ? 1 : 0;
    looks += request.verb == "list" ? 1 : 0;
    return std::nullopt;
  });
  resync_ = Milliseconds(100);
  for (int operators = 1; operators <= 2; ++operators) {
    StartEngine();
    if (operators == 1) ServeBehindAGateway();
    AwaitThat("it is applied", [&] { return applied == operators; });
    if (operators == 1) {
      AwaitThere(kube::kHTTPRoutes, "flights");
      Answer("True", "Accepted");
    }
    AwaitReady("True", "Available");
    const int before = looks;
    AwaitThat("it is looked at again", [&] { return looks >= before + 4; });
    EXPECT_EQ(applied, operators);
    StopEngine();
  }
}

TEST_F(EngineExpose, ABudgetThatSomebodyEditedIsAsItWas) {
  resync_ = Milliseconds(200);
  StartEngine();
  ServeVersionOne();
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"replicas", 2}}}});
  AwaitThere(kube::kDisruptionBudgets, "flights");
  Patch(kube::kDisruptionBudgets, "flights", {{"spec", {{"maxUnavailable", 0}}}});
  Await(kube::kDisruptionBudgets, "flights", "one may go",
        [](const Json& budget) { return budget["spec"]["maxUnavailable"] == 1; });
}

TEST_F(EngineExpose, NobodyAsksForRoutesUntilAModelWantsAGatewayAndTheyMayComeLater) {
  std::atomic<int> asked = 0;
  std::atomic<bool> missing = true;
  const Interception counting(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.type != kube::kHTTPRoutes) return std::nullopt;
    ++asked;
    if (!missing) return std::nullopt;
    return Error{ErrorKind::kNotFound, "404 page not found"};
  });
  StartEngine();
  ServeVersionOne();
  EXPECT_EQ(asked, 0) << "no ModelDeployment has a gateway";
  Patch(kube::kModelDeployments, "flights",
        {{"spec",
          {{"expose", {{"gateway", {{"name", "public"}}}, {"hostname", "flights.example.com"}}}}}});
  AwaitReady("False", "NoGatewayAPI");
  missing = false;
  Patch(kube::kModelDeployments, "flights", {{"metadata", {{"annotations", {{"look", "again"}}}}}});
  AwaitThere(kube::kHTTPRoutes, "flights");
  StopEngine();
}

TEST_F(EngineExpose, BudgetsThatMayNotBeListedHoldUpNothingElse) {
  std::atomic<bool> forbidden = true;
  std::atomic<int> asked = 0;
  const std::string sentence =
      "poddisruptionbudgets.policy is forbidden: User \"penstock\" cannot list resource "
      "\"poddisruptionbudgets\" in API group \"policy\" in the namespace \"team\"";
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "list" || request.type != kube::kDisruptionBudgets ||
        request.ns != "team" || !forbidden)
      return std::nullopt;
    ++asked;
    return Error{ErrorKind::kForbidden, sentence};
  });
  resync_ = Milliseconds(50);
  StartEngine();
  ServeVersionOne();
  Patch(kube::kModelDeployments, "flights", {{"spec", {{"replicas", 2}}}});
  Await(kube::kDeployments, "flights-v1", "two replicas",
        [](const Json& object) { return object["spec"]["replicas"] == 2; });
  MakeAvailable("flights-v1", 2);
  const Json told =
      Await(kube::kModelDeployments, "flights", "served, and told", [](const Json& object) {
        return ConditionOf(object, "Ready") == "True" && object["status"]["replicas"] == 2 &&
               ConditionOf(object, "DisruptionBudget") == "False";
      });
  for (const Json& c : told["status"]["conditions"]) {
    if (c["type"] == "DisruptionBudget") {
      EXPECT_THAT(c["message"], HasSubstr(sentence));
    }
  }
  EXPECT_LE(asked, 8) << "with pauses, however often it is looked at";
  forbidden = false;
  AwaitThere(kube::kDisruptionBudgets, "flights");
  Await(kube::kModelDeployments, "flights", "told no more",
        [](const Json& object) { return ConditionOf(object, "DisruptionBudget").empty(); });
  StopEngine();
  const std::string line = "warn team/flights: the list of PodDisruptionBudgets: " + sentence;
  std::size_t lines = 0;
  for (auto at = log_.find(line); at != std::string::npos; at = log_.find(line, at + 1)) ++lines;
  EXPECT_EQ(lines, 1U) << log_;
}

TEST_F(EngineExpose, RoutesThatMayNotBeListedHoldUpNothingElseAndAreAskedForWithPauses) {
  std::atomic<bool> forbidden = true;
  std::atomic<int> asked = 0;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "list" || request.type != kube::kHTTPRoutes || !forbidden)
      return std::nullopt;
    ++asked;
    return Error{ErrorKind::kForbidden, "httproutes is forbidden: cannot list"};
  });
  resync_ = Milliseconds(50);
  StartEngine();
  ServeBehindAGateway();
  const Json told = AwaitReady("False", "RouteUnread");
  EXPECT_THAT(MessageOf(told), HasSubstr("httproutes is forbidden: cannot list"));
  EXPECT_EQ(ConditionOf(told, "Available"), "True");
  EXPECT_LE(asked, 8);
  forbidden = false;
  AwaitThere(kube::kHTTPRoutes, "flights");
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
