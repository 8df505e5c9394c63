// Servers by load, down to none and back.
#include "operator/plan/model/model_scaling.h"

#include <gmock/gmock.h>

#include "operator/plan/model/testing/model_world.h"
#include "operator/plan/model/uses_router.h"

namespace penstock::plan {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ScaledModels : public PlanModels {
 protected:
  ScaledModels() {
    o_.md.meta.resource_version = "100";
    o_.md.spec.autoscaling.emplace();
    o_.md.spec.autoscaling->max_replicas = 5;
    o_.router_port = 20001;
    o_.clock = seconds(1'000);
  }
  // Ten seconds of so many requests under way.
  std::vector<std::string> Look(double in_flight, int asked = 1) {
    o_.clock += seconds(10);
    now_ += seconds(10);
    RouterFact& router = o_.routers.front();
    router.sampled_seconds += 10;
    rollout::VersionCounters& counters = router.versions.front();
    counters.in_flight_seconds += 10 * in_flight;
    counters.asked += asked;
    return Step();
  }
  std::vector<std::string> Step() {
    auto did = PlanModels::Step();
    o_.load = plan_.load;
    for (const RunEvent& event : plan_.events) events_.push_back(event.reason);
    return did;
  }
  // Version 1 behind one router that knows its server.
  void ServeByRouters() {
    PlanModels::Step();
    Ready(1);
    o_.ready_routers = 1;
    RouterFact& router = o_.routers.emplace_back();
    router.pod = router.run = "router";
    router.ready = true;
    router.acknowledged = "999";
    router.endpoints = {{1, 1}};
    router.sampled_seconds = 1;
    router.versions.resize(1);
    router.versions[0].version = 1;
    o_.endpoints = {{1, 1}};
    for (int i = 0; i < 6; ++i) Step();
    ASSERT_TRUE(o_.service && o_.service->to_routers);
  }
  // All servers are gone, as nobody asked.
  void Sleep() {
    o_.md.spec.autoscaling->min_replicas = 0;
    o_.md.spec.autoscaling->idle_after = seconds(60);
    ServeByRouters();
    for (int i = 0; i < 10 && Version(1).spec_replicas > 0; ++i) Look(0, 0);
    ASSERT_EQ(Version(1).spec_replicas, 0);
    Version(1).ready_replicas = Version(1).available_replicas = Version(1).total_replicas = 0;
    Version(1).updated_replicas = 0;
    o_.endpoints.clear();
    o_.routers[0].endpoints.clear();
    Step();
  }

  std::vector<std::string> events_;
};

TEST_F(ScaledModels, GoThroughRoutersAndBeginWithTheFewest) {
  EXPECT_TRUE(UsesRouter(o_.md.spec));
  o_.md.spec.replicas = 4;  // says nothing beside autoscaling
  EXPECT_THAT(Step(), Contains("apply flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 1);
}

TEST_F(ScaledModels, GetMoreServersUnderLoadAndStayReadyMeanwhile) {
  ServeByRouters();
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_THAT(Look(0.2), IsEmpty());
  EXPECT_THAT(Look(2.5), ElementsAre("patch flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 4);
  EXPECT_THAT(events_, Contains("Scaled"));
  EXPECT_THAT(plan_.events.back().message,
              "4 servers instead of 1 server: 250% busy in the last look, and 70% are meant");
  Step();
  EXPECT_EQ(Is("Ready"), "True Available");
  EXPECT_THAT(Says("Ready"), HasSubstr("1 of 4 replicas are ready"));
  EXPECT_EQ(plan_.status.replicas, 4);
  Ready(1);
  Step();
  EXPECT_THAT(Says("Ready"), HasSubstr("is served"));
  EXPECT_EQ(plan_.requeue_after, seconds(10));
}

TEST_F(ScaledModels, SayWhyServersThatAreAddedDoNotComeUp) {
  ServeByRouters();
  Look(0.2);
  Look(2.5);
  o_.pods = {Waiting(1, "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.")};
  Step();
  EXPECT_THAT(Is("Ready"), Not(HasSubstr("True")));
  EXPECT_THAT(Says("Ready"), HasSubstr("Insufficient cpu"));
  EXPECT_EQ(Is("Available"), "True Serving");
}

TEST_F(ScaledModels, WithoutServersSayWhatKeepsEverybodyOut) {
  Sleep();
  o_.md.spec.expose.tls.emplace();
  o_.routers.front().certificate = {false, "Secret flights-tls: tls.crt is not there"};
  for (int i = 0; i < 4; ++i) Step();
  EXPECT_EQ(Is("Available"), "False CertificateUnusable");
  EXPECT_EQ(Is("Ready"), "False CertificateUnusable");
  EXPECT_THAT(Says("Ready"), HasSubstr("has no servers; Secret flights-tls: tls.crt is not"));
  o_.routers.front().certificate = {true, ""};
  Step();
  EXPECT_EQ(Is("Available"), "True Idle");
  EXPECT_EQ(Is("Ready"), "True Idle");
}

TEST_F(ScaledModels, HaveNoServersWhenNobodyAsksAndSayIdle) {
  Sleep();
  EXPECT_THAT(events_, Contains("Idle"));
  EXPECT_EQ(Is("Ready"), "True Idle");
  EXPECT_EQ(Is("Available"), "True Idle");
  EXPECT_EQ(Is("Stalled"), "False Idle");
  EXPECT_EQ(plan_.status.replicas, 0);
  EXPECT_TRUE(plan_.listens);
  EXPECT_FALSE(plan_.requeue_after);
  EXPECT_TRUE(o_.service->to_routers);
  EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(ScaledModels, AreWokenByARequestThatIsHeld) {
  Sleep();
  o_.routers[0].held = 3;
  EXPECT_THAT(Step(), ElementsAre("patch flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 1);
  EXPECT_THAT(events_, Contains("Woken"));
  EXPECT_FALSE(plan_.listens);
  Step();
  EXPECT_EQ(Is("Ready"), "False Waking");
  EXPECT_EQ(Is("Stalled"), "False Waking");
  Ready(1);
  o_.endpoints = {{1, 1}};
  o_.routers[0].endpoints = {{1, 1}};
  o_.routers[0].held = 0;
  Step();
  EXPECT_EQ(Is("Ready"), "True Available");
}

// Probes and scrapes are no requests: routers count them apart, and hold none.
TEST_F(ScaledModels, AreNotKeptAwakeByProbes) {
  o_.md.spec.autoscaling->min_replicas = 0;
  o_.md.spec.autoscaling->idle_after = seconds(60);
  ServeByRouters();
  for (int i = 0; i < 8; ++i) {
    o_.routers[0].versions[0].requests += 5;
    Look(0, 0);
  }
  EXPECT_EQ(Version(1).spec_replicas, 0);
}

TEST_F(ScaledModels, HaveAServerWhileAVersionComesIn) {
  Sleep();
  Follow('b');
  EXPECT_THAT(Step(), Contains("patch flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 1);
  EXPECT_EQ(Version(2).spec_replicas, 1);
  EXPECT_FALSE(plan_.listens);
  for (int i = 0; i < 20; ++i) Look(0, 0);
  EXPECT_EQ(Version(2).spec_replicas, 1) << "its pods are asked before any traffic";
}

TEST_F(ScaledModels, HaveAServerWhileNoRouterCouldHoldARequest) {
  Sleep();
  o_.routers.clear();
  o_.ready_routers = 0;
  o_.no_router_for = seconds(2);
  EXPECT_THAT(Step(), IsEmpty());
  o_.no_router_for = seconds(6);
  EXPECT_THAT(Step(), ElementsAre("patch flights-v1"));
}

// A request that it holds would be lost, and the model would say that it is Ready.
TEST_F(ScaledModels, AreWokenWhenARouterStopsAnsweringWhileTheySleep) {
  Sleep();
  o_.routers.clear();
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(plan_.requeue_after, seconds(10));
  o_.clock += seconds(10);
  EXPECT_THAT(Step(), ElementsAre("patch flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 1);
  EXPECT_EQ(plan_.events.back().message, "1 server instead of none: a router does not answer");
  EXPECT_EQ(Is("Ready"), "False Waking");
}

TEST_F(ScaledModels, AreNotIdleBesideRoutersThatAreNotAsked) {
  o_.md.spec.autoscaling->min_replicas = 0;
  o_.md.spec.autoscaling->idle_after = seconds(60);
  ServeByRouters();
  o_.routers_not_asked = 1;
  for (int i = 0; i < 20; ++i) Look(0, 0);
  EXPECT_EQ(Version(1).spec_replicas, 1);
}

TEST_F(ScaledModels, KeepTheirNumberWhenANewVersionIsMadeInPlaceOfTheOld) {
  o_.md.spec.rollout.strategy = api::RolloutStrategy::kRecreate;
  ServeByRouters();
  Look(0.2);
  Look(2.5);
  ASSERT_EQ(Version(1).spec_replicas, 4);
  Step();
  Follow('b');
  EXPECT_THAT(Step(), Contains("delete flights-v1"));
  for (int i = 0; i < 3 && o_.deployments.empty(); ++i) Step();
  EXPECT_EQ(Version(2).spec_replicas, 4);
  o_.load = {};  // another operator
  Step();
  EXPECT_EQ(Version(2).spec_replicas, 4);
}

TEST_F(ScaledModels, ComeBackWithTheirNumberWhenSomebodyDeletesTheirDeployment) {
  ServeByRouters();
  Look(0.2);
  Look(2.5);
  Step();
  o_.deployments.clear();
  EXPECT_THAT(Step(), Contains("apply flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 4);
  o_.md.spec.autoscaling->max_replicas = 2;
  o_.deployments.clear();
  Step();
  EXPECT_EQ(Version(1).spec_replicas, 2);
}

TEST_F(ScaledModels, AreNotScaledByRoutersThatGetNoTraffic) {
  ServeByRouters();
  Look(0.2);
  Look(2.5);
  ASSERT_EQ(Version(1).spec_replicas, 4);
  Ready(1);
  o_.service->to_routers = false;
  o_.routers[0].endpoints.clear();  // it does not go back to these yet
  for (int i = 0; i < 40; ++i) {
    Look(0, 0);
    ASSERT_FALSE(o_.service->to_routers);
  }
  EXPECT_EQ(Version(1).spec_replicas, 4);
}

TEST_F(ScaledModels, BeginAnewAfterATimeWithoutAutoscaling) {
  ServeByRouters();
  for (int i = 0; i < 10; ++i) Look(0.2);
  o_.md.spec.autoscaling.reset();
  Step();
  EXPECT_FALSE(plan_.load.replicas());
  EXPECT_THAT(plan_.load.points(), IsEmpty());
}

TEST_F(ScaledModels, AreWokenInSpiteOfABadEditMadeWhileTheySlept) {
  Sleep();
  o_.spec_errors = {{"spec.resources", "is no such thing"}};
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_TRUE(plan_.listens);
  o_.md.spec.autoscaling.reset();  // it may be what cannot be read
  o_.routers[0].held = 1;
  EXPECT_THAT(Step(), ElementsAre("patch flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 1);
  EXPECT_THAT(events_, Contains("Woken"));
  EXPECT_THAT(Is("Ready"), HasSubstr("InvalidSpec"));
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_FALSE(plan_.listens);
}

TEST_F(ScaledModels, LeaveANumberOfZeroInAManifestWithErrors) {
  ServeByRouters();
  o_.md.spec.autoscaling.reset();
  o_.md.spec.replicas = 0;
  Step();
  ASSERT_EQ(Version(1).spec_replicas, 0);
  o_.spec_errors = {{"spec.resources", "is no such thing"}};
  o_.routers[0].held = 1;
  EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(ScaledModels, KeepTheirServersUntilTheServiceGoesToRouters) {
  o_.md.spec.autoscaling->min_replicas = 0;
  o_.md.spec.autoscaling->idle_after = seconds(60);
  PlanModels::Step();
  Ready(1);
  o_.endpoints = {{1, 1}};
  for (int i = 0; i < 30; ++i) {
    o_.clock += seconds(10);
    Step();
  }
  EXPECT_FALSE(o_.service->to_routers);
  EXPECT_EQ(Version(1).spec_replicas, 1);
}

TEST_F(ScaledModels, GoBackToTheManifestsNumberWithoutAutoscaling) {
  ServeByRouters();
  o_.md.spec.autoscaling.reset();
  EXPECT_THAT(Step(), Contains("patch flights-v1"));
  EXPECT_EQ(Version(1).spec_replicas, 2);
}

TEST_F(ScaledModels, HavePodsOfOneTemplateWhateverTheirNumber) {
  const std::string before = TemplateHash(o_.md);
  o_.md.spec.autoscaling->max_replicas = 9;
  EXPECT_EQ(TemplateHash(o_.md), before);
  o_.md.spec.autoscaling.reset();
  EXPECT_EQ(TemplateHash(o_.md), before);
}

TEST_F(ScaledModels, AreFullWithAsManyRequestsAsTheyHaveCpus) {
  api::ModelDeploymentSpec& spec = o_.md.spec;
  EXPECT_EQ(ConcurrencyOf(spec), 1);
  spec.resources = {{"requests", {{"cpu", "1500m"}}}};
  EXPECT_EQ(ConcurrencyOf(spec), 2);
  spec.resources["limits"]["cpu"] = 4;
  EXPECT_EQ(ConcurrencyOf(spec), 4);
  spec.server.container.emplace();
  EXPECT_EQ(ConcurrencyOf(spec), 1);
  spec.autoscaling->concurrency = 100;
  EXPECT_EQ(ConcurrencyOf(spec), 100);
}

}  // namespace
}  // namespace penstock::plan
