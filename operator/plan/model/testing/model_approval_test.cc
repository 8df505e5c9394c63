// A step of a rollout that people decide.
#include "operator/plan/model/model_approval.h"

#include <gmock/gmock.h>

#include "operator/plan/model/model_history.h"
#include "operator/plan/model/testing/model_world.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ApprovedModels : public PlanModels {
 protected:
  ApprovedModels() {
    o_.md.meta.resource_version = "100";
    o_.router_port = 20001;
    o_.approvals.policy.why_not.clear();
    auto& rollout = o_.md.spec.rollout;
    rollout.strategy = api::RolloutStrategy::kCanary;
    rollout.steps.resize(3);
    rollout.steps[0] = {"5%", 60s, {}};
    rollout.steps[1].approval.emplace();
    rollout.steps[1].approval->message = "look at the sheet";
    rollout.steps[1].approval->approvers = {{"", "leads"}};
    rollout.steps[2] = {"50%", 300s, {}};
  }
  api::RolloutApproval& Asked() { return *o_.md.spec.rollout.steps[1].approval; }
  // Version 2 waits at step 2.
  void Wait() {
    Serve();
    RouterFact& router = o_.routers.emplace_back();
    router.pod = "router-1";
    router.run = "1";
    router.ready = true;
    router.acknowledged = "100";
    router.endpoints = {{1, 2}, {2, 2}};
    o_.ready_routers = 1;
    for (int i = 0; i < 5 && !Step().empty(); ++i) {
    }
    Follow('b');
    o_.target_run = "flights-2";
    Step();
    Ready(2);
    o_.endpoints = {{1, 2}, {2, 2}};
    Step();
    Step();
    now_ += 60s;
    Step();
    Step();
    ASSERT_EQ(plan_.status.candidate->step, 2);
  }
  void Decide(const std::string& user, api::Decision decision = api::Decision::kApprove) {
    api::Approval a;
    a.meta.name = user;
    a.meta.created = now_;
    a.spec.model_deployment = "flights";
    a.spec.model_deployment_uid = "md-uid";
    a.spec.model_version = 2;
    a.spec.step = "2";
    a.spec.decision = decision;
    a.spec.user = user;
    a.spec.groups = {"leads"};
    o_.approvals.made.push_back({a, ""});
  }
  api::Approval& Last() { return o_.approvals.made.back().approval; }
  int StepNow() const { return plan_.status.candidate->step; }
};

TEST_F(ApprovedModels, WaitForPeopleAndSayForWhom) {
  Wait();
  EXPECT_EQ(Is("Ready"), "False AwaitingApproval");
  EXPECT_EQ(Is("Reconciling"), "True AwaitingApproval");
  EXPECT_EQ(plan_.status.candidate->phase, api::kPhasePaused);
  EXPECT_EQ(plan_.status.candidate->weight, "5%");
  EXPECT_THAT(Says("Ready"), HasSubstr("step 2: look at the sheet - waits for an approval by "
                                       "group leads"));
  Decide("alice");
  Step();
  EXPECT_EQ(StepNow(), 3);
  ASSERT_FALSE(plan_.events.empty());
  EXPECT_EQ(plan_.events[0].reason, "Approved");
  EXPECT_THAT(plan_.events[0].message, HasSubstr("is approved by alice"));
}

TEST_F(ApprovedModels, NeedAsManyDifferentPeopleAsTheSpecSays) {
  Asked().need = 2;
  Wait();
  Decide("alice");
  Step();
  EXPECT_EQ(StepNow(), 2);
  EXPECT_THAT(Says("Ready"), HasSubstr("approved so far by alice"));
  Decide("bob");
  Step();
  EXPECT_EQ(StepNow(), 3);
}

TEST_F(ApprovedModels, AreRolledBackByOneWhoRejects) {
  Wait();
  Decide("alice", api::Decision::kReject);
  Last().spec.comment = "not on a Friday";
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_EQ(plan_.status.history.front().outcome, kRolledBack);
  EXPECT_EQ(plan_.status.history.front().reason, "rejected by alice: not on a Friday");
}

TEST_F(ApprovedModels, TakeNoDecisionOfAnotherVersionStepOrObject) {
  Wait();
  Decide("alice");
  Last().spec.model_version = 1;
  Decide("bob");
  Last().spec.step = "3";
  Decide("carol");
  Last().spec.model_deployment_uid = "another";
  Decide("dan");
  Last().spec.run_uid = "md-uid";
  Last().spec.model_deployment_uid.clear();
  Step();
  EXPECT_EQ(StepNow(), 2);
  EXPECT_EQ(Is("Ready"), "False AwaitingApproval");
}

TEST_F(ApprovedModels, SayWhyADecisionDoesNotCount) {
  Wait();
  Decide("mallory");
  Last().spec.groups.clear();
  Step();
  EXPECT_EQ(Is("Ready"), "False ApprovalRefused");
  EXPECT_THAT(Says("Ready"), HasSubstr("the decision of mallory does not count: nobody but group "
                                       "leads may decide"));
  o_.approvals.policy.why_not = "there is no policy";
  Step();
  EXPECT_EQ(Is("Ready"), "False ApprovalUnbound");
}

TEST_F(ApprovedModels, DoNotCountWhoStartedTheRunThatMadeTheModel) {
  Asked().not_by_submitter = true;
  Wait();
  Decide("alice");
  Step();
  EXPECT_THAT(Says("Ready"), HasSubstr("there is no such run"));
  o_.target_maker.emplace();
  o_.target_maker->name = "flights-2";
  o_.target_maker->created = now_;
  o_.target_maker->annotations[api::kSubmittedBy] = "alice";
  Step();
  EXPECT_THAT(Says("Ready"), HasSubstr("they started the run"));
  Decide("bob");
  Step();
  EXPECT_EQ(StepNow(), 3);
}

TEST(HasMade, IsTrueOfARunWithTheModelAmongItsOutputs) {
  api::PipelineRunStatus run;
  EXPECT_FALSE(HasMade(run, "sha256:b")) << "whatever a ModelVersion says";
  run.steps.resize(1);
  run.steps[0].outputs.emplace_back().digest = "sha256:b";
  EXPECT_TRUE(HasMade(run, "sha256:b"));
  EXPECT_FALSE(HasMade(run, "sha256:c"));
  run.outputs.emplace_back().digest = "sha256:c";
  EXPECT_TRUE(HasMade(run, "sha256:c"));
}

TEST_F(ApprovedModels, OfWhichARunAboveTheMakerIsOlderThanThePolicyAreNotApproved) {
  Asked().not_by_submitter = true;
  Wait();
  o_.approvals.policy.since = now_ - 1min;
  o_.target_maker.emplace();
  o_.target_maker->name = "flights-2";
  o_.target_maker->created = now_;
  o_.target_maker->annotations[api::kSubmittedBy] = "carol";
  o_.approvals.above_created = now_ - 2min;
  Decide("alice");
  Step();
  EXPECT_EQ(StepNow(), 2);
  EXPECT_THAT(Says("Ready"), HasSubstr("nobody knows who started it"));
  o_.approvals.above_created.reset();
  Step();
  EXPECT_EQ(StepNow(), 3);
}

TEST_F(ApprovedModels, EndAtTheirTimeOutAsTheSpecSays) {
  Asked().timeout = Milliseconds(3'600'000);
  Wait();
  now_ += 59min;
  Step();
  EXPECT_EQ(StepNow(), 2);
  now_ += 2min;
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_THAT(plan_.status.history.front().reason,
              HasSubstr("nobody has decided within 1h (approval.timeout)"));
}

TEST_F(ApprovedModels, GoOnAtTheirTimeOutWhereTheSpecSaysSo) {
  Asked().timeout = Milliseconds(3'600'000);
  Asked().on_timeout = api::ApprovalTimeout::kApprove;
  Wait();
  now_ += 61min;
  Step();
  EXPECT_EQ(StepNow(), 3);
}

TEST_F(ApprovedModels, TellThatTheirTimeOutLetThemGoOn) {
  Asked().timeout = Milliseconds(3'600'000);
  Asked().on_timeout = api::ApprovalTimeout::kApprove;
  Wait();
  now_ += 61min;
  Step();
  ASSERT_FALSE(plan_.events.empty());
  EXPECT_EQ(plan_.events[0].reason, "ApprovalTimeout");
  EXPECT_EQ(plan_.events[0].type, "Warning");
}

TEST_F(ApprovedModels, DoNotGoOnAtTheirTimeOutWhereNoRejectionWouldHaveCounted) {
  Asked().timeout = Milliseconds(3'600'000);
  Asked().on_timeout = api::ApprovalTimeout::kApprove;
  Wait();
  o_.approvals.policy.why_not = "there is no policy";
  Decide("alice", api::Decision::kReject);
  now_ += 61min;
  Step();
  EXPECT_EQ(StepNow(), 2);
  EXPECT_EQ(Is("Ready"), "False ApprovalUnbound");
  EXPECT_THAT(Says("Ready"), HasSubstr("onTimeout: Approve waits until decisions count"));
  o_.approvals.policy.why_not.clear();
  o_.approvals.policy.since = now_ - 1min;  // it came after alice
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_EQ(plan_.events[0].reason, "ApprovalTimeout");
  EXPECT_THAT(plan_.status.history.front().reason,
              HasSubstr("does not go past the rejection of alice"));
}

TEST_F(ApprovedModels, GoOnAtTheirTimeOutPastTheNoOfWhoHasNoSay) {
  Asked().timeout = Milliseconds(3'600'000);
  Asked().on_timeout = api::ApprovalTimeout::kApprove;
  Wait();
  Decide("mallory", api::Decision::kReject);
  Last().spec.groups.clear();
  now_ += 61min;
  Step();
  EXPECT_EQ(StepNow(), 3);
}

TEST_F(ApprovedModels, DoNotTimeOutWhilePausedAndTakeARejectionTill) {
  Asked().timeout = Milliseconds(3'600'000);
  Asked().on_timeout = api::ApprovalTimeout::kApprove;
  Wait();
  o_.md.spec.rollout.paused = true;
  now_ += 61min;
  Step();
  EXPECT_EQ(StepNow(), 2);
  Decide("alice", api::Decision::kReject);
  o_.md.spec.rollout.paused = false;
  Step();
  EXPECT_FALSE(plan_.status.candidate);
  EXPECT_THAT(plan_.status.history.front().reason, HasSubstr("rejected by alice"));
}

TEST_F(ApprovedModels, AreNotPromotedOrResumedPastAnApproval) {
  Wait();
  o_.md.meta.annotations[api::kAnnotationPromote] = "2";
  o_.md.meta.annotations[api::kAnnotationResume] = "2/2";
  Step();
  EXPECT_EQ(StepNow(), 2);
  EXPECT_THAT(Says("Ready"), HasSubstr("penstock.dev/promote does not go past step 2"));
  Decide("alice");
  EXPECT_THAT(Step(), ElementsAre("switch to 2 by routers")) << "then the promotion counts";
}

}  // namespace
}  // namespace penstock::plan
