// What nobody saw speaks neither for nor against a version: time without an operator, the answers
// of other pods, the number and the step of another model.
#include <gmock/gmock.h>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/model_rollout.h"
#include "operator/plan/model/testing/model_world.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class UnseenRollouts : public PlanModels {
 protected:
  UnseenRollouts() {
    o_.md.meta.resource_version = "100";
    o_.router_port = 20001;
    auto& rollout = o_.md.spec.rollout;
    rollout.strategy = api::RolloutStrategy::kCanary;
    rollout.steps.resize(2);
    rollout.steps[0] = {"5%", 60s, {}};
    rollout.steps[1] = {"50%", 300s, {}};
    rollout.gates.resize(1);
    rollout.gates[0].metric = api::kErrorRate;
    rollout.gates[0].max = "1%";
  }
  void ServeByRouter() {
    Serve();
    RouterFact& router = o_.routers.emplace_back();
    router.pod = router.run = "router-1";
    router.ready = true;
    router.acknowledged = "100";
    router.endpoints = {{1, 2}, {2, 2}};
    router.versions.resize(2);
    router.versions[0].version = 1;
    router.versions[1].version = 2;
    o_.ready_routers = 1;
    for (int i = 0; i < 5 && !Step().empty(); ++i) {
    }
    ASSERT_TRUE(o_.service->to_routers);
  }
  // Version 2 is in its first step.
  void Candidate() {
    ServeByRouter();
    Follow('b');
    Step();
    Ready(2);
    o_.endpoints = {{1, 2}, {2, 2}};
    Step();
    Step();
    ASSERT_EQ(Status().step, 1);
  }
  void Answer(std::int64_t requests) {
    auto& versions = o_.routers[0].versions;
    versions[0].requests += requests * 10;
    versions[1].requests += requests;
  }
  void OperatorIsAwayFor(std::chrono::seconds time) {
    o_.evidence = {};
    now_ += time;
  }
  const api::ModelVersionStatus& Status() const { return *plan_.status.candidate; }
  [[nodiscard]] std::chrono::milliseconds Deadline() const {
    return o_.md.spec.rollout.progress_deadline;
  }
};

TEST_F(UnseenRollouts, AreNotRolledBackAsTheOperatorWasAwayPastTheirDeadline) {
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kRollback;
  Candidate();
  OperatorIsAwayFor(5h);
  Step();
  ASSERT_TRUE(plan_.status.candidate) << plan_.status.history[0].reason;
  EXPECT_EQ(Status().step, 1);
  EXPECT_THAT(Status().message, HasSubstr("waits for errorRate"));
  now_ += Deadline();
  Step();
  EXPECT_FALSE(plan_.status.candidate) << "it was looked at for so long, and not decided";
  EXPECT_THAT(plan_.status.history[0].reason, HasSubstr("not decided within progressDeadline"));
}

TEST_F(UnseenRollouts, DoNotGoOnAsTheOperatorWasAwayPastTheirDeadline) {
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kPromote;
  Candidate();
  OperatorIsAwayFor(5h);
  Step();
  EXPECT_EQ(Status().step, 1) << "nobody has looked at it";
  Answer(2'000);
  Step();
  EXPECT_EQ(Status().step, 2);
}

TEST_F(UnseenRollouts, AreJudgedByAGateThatIsNewForAsLongAsAnyOther) {
  o_.md.spec.rollout.on_inconclusive = api::OnInconclusive::kRollback;
  Candidate();
  now_ += 60s + Deadline() - 10s;
  Step();
  o_.md.spec.rollout.gates[0].max = "2%";
  Step();
  now_ += 20s;
  Step();
  EXPECT_TRUE(plan_.status.candidate) << plan_.status.history[0].reason;
}

TEST_F(UnseenRollouts, GoOnAtOnceWhereAPersonWasWaitedForAndHasResumedMeanwhile) {
  Candidate();
  now_ += 60s + Deadline();
  Step();
  ASSERT_EQ(Status().phase, api::kPhasePaused);
  OperatorIsAwayFor(5h);
  o_.md.meta.annotations[api::kAnnotationResume] = "2/1";
  Step();
  EXPECT_EQ(Status().step, 2);
}

TEST_F(UnseenRollouts, AreNotJudgedByTheAnswersOfPodsThatTheSpecHasReplaced) {
  Candidate();
  Answer(5'000);
  Step();
  o_.md.spec.server.max_batch = 8;
  EXPECT_THAT(Step(), Contains("apply flights-v2"));
  now_ += 60s;
  for (int i = 0; i < 3; ++i) Step();
  EXPECT_EQ(Status().step, 1) << "of the new pods nothing is known";
  Answer(2'000);
  Step();
  EXPECT_EQ(Status().step, 2);
}

// penstock.dev/promote: "2" was for that one.
TEST_F(UnseenRollouts, LendTheirNumberToNoOtherModelWhenTheyAreGivenUp) {
  Candidate();
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  Follow('a');  // the manifest is reverted
  for (int i = 0; i < 5; ++i) Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_EQ(plan_.status.last_version, 2);
  ASSERT_EQ(o_.deployments.size(), 1U);
  Follow('c');
  EXPECT_THAT(Step(), Contains("apply flights-v3"));
  EXPECT_EQ(Status().version, 3);
}

TEST_F(UnseenRollouts, LendTheirStepToNoOtherModelWhenTheirDeploymentIsDeleted) {
  Candidate();
  Answer(5'000);
  Step();
  std::erase_if(o_.deployments, [](const auto& d) { return d.version == 2; });
  Follow('c');
  EXPECT_THAT(Step(), Contains("apply flights-v3"));
  EXPECT_EQ(Status().step, 0);
  EXPECT_EQ(plan_.status.traffic.size(), 1U);
}

TEST_F(UnseenRollouts, KeepTheirNumberAndStepWhenTheirOwnDeploymentIsDeleted) {
  Candidate();
  std::erase_if(o_.deployments, [](const auto& d) { return d.version == 2; });
  EXPECT_THAT(Step(), Contains("apply flights-v2"));
  EXPECT_EQ(Status().step, 1);
}

}  // namespace
}  // namespace penstock::plan
