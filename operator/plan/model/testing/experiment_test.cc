// A candidate beside a baseline, before anybody is answered by it.
#include <gmock/gmock.h>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_rollout.h"
#include "operator/plan/model/testing/model_world.h"
#include "operator/plan/rollout/server_evidence.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::int64_t kBaseline = kFirstBaseline + 2;
const std::string kBaselineName = VersionName("flights", kBaseline);

class Experiments : public PlanModels {
 protected:
  Experiments() {
    o_.md.meta.resource_version = "100";
    o_.router_port = 20001;
    auto& rollout = o_.md.spec.rollout;
    rollout.strategy = api::RolloutStrategy::kCanary;
    rollout.experiment.emplace();
    rollout.experiment->hold = 60s;
    rollout.steps.resize(1);
    rollout.steps[0] = {"5%", 60s, {}};
    rollout.gates.resize(2);
    rollout.gates[0].metric = api::kErrorRate;
    rollout.gates[0].max = "1%";
    rollout.gates[1].metric = api::kComputeP95;
    rollout.gates[1].max = "20ms";
    for (const std::int64_t version : {kBaseline, std::int64_t{2}}) {
      ServerFact& s = servers_.emplace_back();
      s.pod = "p" + std::to_string(version);
      s.version = version;
      s.bounds = {0.01, 0.02, 0.04};
      s.queue = s.compute = {0, 0, 0, 0};
    }
  }
  using ServerFact = rollout::ServerFact;

  void ServeByRouter() {
    Serve();
    rollout::RouterFact& router = o_.routers.emplace_back();
    router.pod = router.run = "router-1";
    router.ready = true;
    router.acknowledged = "100";
    router.endpoints = {{1, 2}};
    router.versions.resize(1);
    router.versions[0].version = 1;
    o_.ready_routers = 1;
    for (int i = 0; i < 5 && !Step().empty(); ++i) {
    }
    ASSERT_TRUE(o_.service->to_routers);
  }
  // Version 2 is Ready; its experiment begins.
  std::vector<std::string> Begin2() {
    ServeByRouter();
    Follow('b');
    Step();
    Ready(2);
    o_.endpoints = {{1, 2}, {2, 2}};
    return Step();
  }
  void BaselineIsThere() {
    Ready(kBaseline);
    o_.endpoints[kBaseline] = 2;
    for (const std::int64_t version : {kBaseline, std::int64_t{2}}) {
      ServingPodFact pod = Pod(version);
      pod.name = "p" + std::to_string(version);
      pod.ready = true;
      pod.address = "10.0.0.1";
      o_.pods.push_back(pod);
    }
    Step();
  }
  // The servers answered so many copies each, of version 2 some badly, and are looked at.
  std::vector<std::string> Answer(std::int64_t requests, std::int64_t errors) {
    now_ += Milliseconds(6'000);
    for (ServerFact& s : servers_) {
      s.answered.requests += requests;
      s.compute[0] += requests;
    }
    servers_[1].answered.server_errors += errors;
    rollout::Measurement look{rollout::kServersCheck, now_, {}, false, ""};
    look.servers = servers_;
    o_.measurements.push_back(look);
    return Step();
  }
  std::string Traffic() const {
    std::string text;
    for (const auto& t : plan_.status.traffic)
      text += (text.empty() ? "" : ", ") + std::to_string(t.version) + ": " + t.weight +
              (t.shadow.empty() ? "" : " shadow " + t.shadow);
    return text;
  }

  std::vector<ServerFact> servers_;
};

TEST_F(Experiments, MakeNewServersOfTheStableVersionBesideTheCandidates) {
  EXPECT_THAT(Begin2(), Contains("apply " + kBaselineName));
  EXPECT_EQ(plan_.status.candidate->phase, api::kPhaseExperiment);
  EXPECT_EQ(Version(kBaseline).model.digest, Digest('a'));
  EXPECT_EQ(Version(kBaseline).spec_replicas, 2);
}

TEST_F(Experiments, CopyNothingBeforeBothAreThereAndThenHalfToEach) {
  Begin2();
  EXPECT_EQ(Traffic(), "1: 100%, 2: 0%");
  BaselineIsThere();
  EXPECT_EQ(Traffic(), "1: 100%, 1000000002: 0% shadow 50%, 2: 0% shadow 100%");
  o_.md.spec.rollout.experiment->percent = "20%";
  Step();
  EXPECT_EQ(Traffic(), "1: 100%, 1000000002: 0% shadow 10%, 2: 0% shadow 11.11%");
}

TEST_F(Experiments, CompareNoAnswersWhichTheShadowDoes) {
  auto& shadow = o_.md.spec.rollout.shadow.emplace();
  shadow.compare.emplace();
  shadow.compare->output = "late";
  shadow.compare->max_flips = "1%";
  Begin2();
  BaselineIsThere();
  EXPECT_EQ(plan_.status.candidate->phase, api::kPhaseExperiment);
  for (const auto& t : plan_.status.traffic) EXPECT_EQ(t.compare_output, "");
  Answer(0, 0);
  for (int i = 0; i < 9; ++i) Answer(500, 0);
  ASSERT_EQ(plan_.status.candidate->phase, api::kPhaseShadow);
  EXPECT_EQ(plan_.status.traffic.back().compare_output, "late");
}

TEST_F(Experiments, LookAtTheServersOfBoth) {
  Begin2();
  BaselineIsThere();
  ASSERT_EQ(plan_.questions.size(), 1U);
  const auto& servers = *plan_.questions[0].servers;
  ASSERT_EQ(servers.all.size(), 2U);
  EXPECT_EQ(servers.all[0].version, kBaseline);
  EXPECT_EQ(servers.all[0].port, 8080);
  EXPECT_EQ(servers.all[1].version, 2);
}

TEST_F(Experiments, GoOnToTheStepsWhenTheGatesPassAndEndTheBaseline) {
  Begin2();
  BaselineIsThere();
  Answer(0, 0);
  for (int i = 0; i < 9; ++i) Answer(500, 0);
  EXPECT_EQ(plan_.status.candidate->phase, api::kPhaseStep) << plan_.status.candidate->message;
  EXPECT_EQ(Traffic(), "1: 95%, 2: 5%");
  EXPECT_THAT(plan_.status.candidate->gates, IsEmpty()) << "the step has counts of its own";
  o_.md.meta.resource_version = "101";
  EXPECT_THAT(Step(), Not(Contains("delete " + kBaselineName))) << "a router copies to it still";
  o_.routers[0].acknowledged = "101";
  EXPECT_THAT(Step(), Contains("delete " + kBaselineName));
  EXPECT_THAT(Step(), Contains("delete Service " + kBaselineName));
}

TEST_F(Experiments, RollBackAVersionThatIsWorseThanTheBaselineAndEndBoth) {
  Begin2();
  BaselineIsThere();
  Answer(0, 0);
  for (int i = 0; i < 5 && plan_.status.candidate; ++i) Answer(500, 50);
  ASSERT_FALSE(plan_.status.candidate);
  const api::ModelHistoryEntry& entry = plan_.status.history[0];
  EXPECT_EQ(entry.outcome, kRolledBack);
  EXPECT_THAT(entry.reason, HasSubstr("errorRate is 10%"));
  EXPECT_TRUE(plan_.report);
  EXPECT_EQ(Traffic(), "1: 100%");
  o_.md.meta.resource_version = o_.routers[0].acknowledged = "101";
  const auto did = Step();
  EXPECT_THAT(did, Contains("delete " + kBaselineName));
  EXPECT_THAT(did, Contains("delete flights-v2"));
}

TEST_F(Experiments, DecideNothingWithoutAWordOfTheServers) {
  Begin2();
  BaselineIsThere();
  now_ += Milliseconds(61'000);
  Step();
  EXPECT_EQ(plan_.status.candidate->phase, api::kPhaseExperiment);
  EXPECT_THAT(plan_.status.candidate->message, HasSubstr("waits for errorRate, computeP95"));
  now_ += o_.md.spec.rollout.progress_deadline;
  Step();
  EXPECT_THAT(plan_.status.candidate->message,
              HasSubstr("the experiment with 100% is not decided"));
}

// The candidate was refused, and not tried again, as a node was full.
TEST_F(Experiments, RollNobodyBackForABaselineThatDoesNotComeUp) {
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kRollback;
  Begin2();
  o_.pods.push_back(Waiting(kBaseline, "Unschedulable", "0/3 nodes are available"));
  now_ += std::chrono::hours(5);
  Step();
  ASSERT_TRUE(plan_.status.candidate) << plan_.status.history[0].reason;
  EXPECT_THAT(plan_.status.candidate->message,
              HasSubstr("it begins when the new servers of the stable version are Ready "
                        "(Deployment flights-v1000000002): Unschedulable: 0/3 nodes"));
  o_.pods.clear();
  BaselineIsThere();
  EXPECT_THAT(plan_.status.candidate->message, Not(HasSubstr("it begins when")));
  now_ += Milliseconds(61'000);
  now_ += o_.md.spec.rollout.progress_deadline;
  Step();
  EXPECT_FALSE(plan_.status.candidate) << "both were there for so long";
}

TEST_F(Experiments, NumberNoVersionAfterTheBaseline) {
  Begin2();
  BaselineIsThere();
  Follow('c');
  EXPECT_THAT(Step(), Contains("apply flights-v3"));
}

TEST_F(Experiments, TakeNoBaselineForTheVersionThatIsWantedBack) {
  Begin2();
  BaselineIsThere();
  Follow('a');  // the manifest is reverted
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_EQ(plan_.status.stable->version, 1);
  EXPECT_EQ(Traffic(), "1: 100%");
}

}  // namespace
}  // namespace penstock::plan
