// How the Service of a ModelDeployment moves to the routers of its namespace, and back.
#include "operator/plan/model/model_routing.h"

#include <gmock/gmock.h>

#include "operator/plan/model/testing/model_world.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class RoutedModels : public PlanModels {
 protected:
  RoutedModels() {
    o_.md.meta.resource_version = "100";
    UseRouters();
    o_.router_port = 20001;
    Serve();
    Settle();
  }
  void UseRouters(bool use = true) {
    o_.md.spec.rollout = {};
    if (!use) return;
    o_.md.spec.rollout.strategy = api::RolloutStrategy::kCanary;
    o_.md.spec.rollout.steps.resize(1);
    o_.md.spec.rollout.steps[0].weight = "10%";
  }
  // Ready routers; each goes by `acknowledged` and knows two servers of version 1.
  void Routers(const std::vector<std::string>& acknowledged) {
    o_.routers.clear();
    o_.ready_routers = static_cast<int>(acknowledged.size());
    for (const std::string& version : acknowledged) {
      RouterFact& router = o_.routers.emplace_back();
      router.pod = "router-" + std::to_string(o_.routers.size());
      router.ready = true;
      router.acknowledged = version;
      router.endpoints = {{1, 2}};
    }
  }
  // Steps until nothing is done.
  void Settle() {
    for (int i = 0; i < 5 && !Step().empty(); ++i) {
    }
  }
  void MoveToRouters() {
    Routers({"100", "100"});
    Settle();
    ASSERT_TRUE(o_.service->to_routers);
  }
};

TEST_F(RoutedModels, AreServedByPodsUntilARouterIsReady) {
  EXPECT_EQ(plan_.status.router.port, 20001);
  ASSERT_EQ(plan_.status.traffic.size(), 1U);
  EXPECT_EQ(plan_.status.traffic[0].version, 1);
  EXPECT_EQ(plan_.status.traffic[0].weight, "100%");
  EXPECT_THAT(o_.version_services, ElementsAre(testing::Key(1)));
  EXPECT_FALSE(o_.service->to_routers);
  EXPECT_EQ(plan_.requeue_after, Milliseconds(1'000));
  EXPECT_EQ(Is("Ready"), "True Available");
}

TEST_F(RoutedModels, MoveWhenEveryReadyRouterGoesByTheirStatusAndKnowsTheirServers) {
  Routers({"100", "99"});
  EXPECT_THAT(Step(), IsEmpty());
  Routers({"100", ""});
  EXPECT_THAT(Step(), IsEmpty());
  Routers({"100", "100"});
  o_.routers[1].endpoints = {{1, 0}};
  EXPECT_THAT(Step(), IsEmpty());
  Routers({"100", "100"});
  o_.routers.pop_back();  // it is Ready and does not answer
  EXPECT_THAT(Step(), IsEmpty());
  Routers({"100", "101"});
  EXPECT_THAT(Step(), ElementsAre("switch to 1 by routers"));
  EXPECT_EQ(o_.service->target_port, 20001);
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_FALSE(plan_.requeue_after);
}

TEST_F(RoutedModels, AResourceVersionIsComparedAsANumber) {
  RouterFact router;
  router.acknowledged = "1000";
  EXPECT_TRUE(Acknowledges(router, "999"));
  router.acknowledged = "99";
  EXPECT_FALSE(Acknowledges(router, "100"));
  router.acknowledged = "";
  EXPECT_FALSE(Acknowledges(router, "100"));
}

TEST_F(RoutedModels, GoBackAsSoonAsTheSpecWantsNoneAndForgetThemLater) {
  MoveToRouters();
  UseRouters(false);
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
  EXPECT_FALSE(o_.service->to_routers);
  o_.service_for = Milliseconds(29'000);
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.requeue_after, Milliseconds(1'000));
  EXPECT_EQ(plan_.status.traffic.size(), 1U);
  o_.service_for = Milliseconds(30'000);
  EXPECT_THAT(Step(), ElementsAre("delete Service flights-v1"));
  EXPECT_THAT(plan_.status.traffic, IsEmpty());
  EXPECT_EQ(plan_.status.router.port, 20001);
  EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(RoutedModels, StayWithRoutersWhileNoServerIsReadyForTheWayBack) {
  MoveToRouters();
  UseRouters(false);
  o_.endpoints.clear();
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_TRUE(o_.service->to_routers);
}

TEST_F(RoutedModels, GoPastRoutersOfWhichNoneHasBeenReadyForAWhile) {
  MoveToRouters();
  Routers({});
  o_.no_router_for = Milliseconds(4'000);
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.requeue_after, Milliseconds(1'000));
  o_.no_router_for = Milliseconds(5'000);
  EXPECT_THAT(Step(), ElementsAre("switch to 1"));
  Routers({"100"});
  o_.no_router_for = Milliseconds(0);
  EXPECT_THAT(Step(), ElementsAre("switch to 1 by routers"));
}

TEST_F(RoutedModels, MoveWithTheirPort) {
  MoveToRouters();
  o_.router_port = 20007;  // the old one turned out to be another's
  Step();
  EXPECT_THAT(Step(), ElementsAre("switch to 1 by routers"));
  EXPECT_EQ(o_.service->target_port, 20007);
}

TEST_F(RoutedModels, ThatAreGuardedLeaveTheirPodsBeforeTheirPortIsKnown) {
  UseRouters(false);
  o_.router_port.reset();
  o_.md.status.router.port = 0;
  ASSERT_FALSE(o_.service->to_routers);
  o_.md.spec.expose.jwt.emplace();
  EXPECT_THAT(Step(), Contains("switch to 1 by routers"));
  EXPECT_EQ(o_.service->target_port, 0);
  EXPECT_FALSE(o_.service->by_name);
  const Json ports = BuildService(o_.md, 1, true)["spec"]["ports"];
  EXPECT_EQ(ports[0]["targetPort"], "unassigned") << "a port 0 the API server would refuse";
  Ready(1);
  EXPECT_THAT(Step(), IsEmpty());
  o_.router_port = 20001;
  Step();
  EXPECT_THAT(Step(), ElementsAre("switch to 1 by routers"));
  EXPECT_EQ(o_.service->target_port, 20001);
}

TEST_F(RoutedModels, ThatAreGuardedWaitForEveryRouterToTell) {
  MoveToRouters();
  o_.md.spec.expose.jwt.emplace();
  Settle();
  Ready(1);
  const auto well = [&] {
    Routers({"100", "100"});
    for (RouterFact& router : o_.routers) router.keys.in_use = true;
  };
  well();
  Settle();
  EXPECT_EQ(Is("Ready"), "True Available");
  o_.routers.clear();  // both are Ready, and neither answers
  Step();
  EXPECT_EQ(Is("Ready"), "False Progressing");
  EXPECT_THAT(Says("Ready"), testing::HasSubstr("0 of 2 routers"));
  well();
  o_.routers.pop_back();
  Step();
  EXPECT_EQ(Is("Ready"), "False Progressing");
  well();
  Step();
  EXPECT_EQ(Is("Ready"), "True Available");
}

TEST_F(RoutedModels, MakeAServiceOfAVersionAnewThatSomebodyDeleted) {
  MoveToRouters();
  o_.version_services.clear();
  EXPECT_THAT(Step(), ElementsAre("apply Service flights-v1"));
}

TEST_F(RoutedModels, ThatNeverWereHaveNothingOfRouters) {
  Begin();
  o_.router_port = 20001;
  Serve();
  EXPECT_EQ(plan_.status.router.port, 0);
  EXPECT_THAT(plan_.status.traffic, IsEmpty());
  EXPECT_THAT(o_.version_services, IsEmpty());
}

TEST_F(RoutedModels, RoutersHaveLeftAVersionWhenAllGoByAStatusWithoutIt) {
  MoveToRouters();
  EXPECT_FALSE(RoutersHaveLeft(o_, 1));
  EXPECT_TRUE(RoutersHaveLeft(o_, 2));
  Routers({"100", "99"});
  EXPECT_FALSE(RoutersHaveLeft(o_, 2));
  Routers({});
  EXPECT_FALSE(RoutersHaveLeft(o_, 2));
}

}  // namespace
}  // namespace penstock::plan
