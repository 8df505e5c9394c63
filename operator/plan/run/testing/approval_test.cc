// Steps that people decide, and steps that wait for a time: no pod, no cache, and every way to end.
#include <gmock/gmock.h>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/step/gate_plan.h"
#include "operator/plan/values/approval_verdict.h"

namespace penstock::plan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string Go(const std::string& more = "") {
  return "- {name: go, approval: {approvers: [{user: alice}, {group: leads}]" +
         (more.empty() ? "" : ", " + more) + "}}\n";
}
const std::string kAfterGo = Step("deploy", "dependsOn: [{step: go}]");

struct World : RunWorld {
  explicit World(const std::string& spec) : RunWorld(spec) {
    o.approvals.policy.why_not.clear();
    o.approvals.policy.since = now - 24h;
    o.run.meta.created = now;
    Settle();
  }
  // Whoever decides is of group leads; then it is planned again.
  api::Approval& Decide(const std::string& user, std::map<std::string, Json> values = {},
                        api::Decision decision = api::Decision::kApprove) {
    ApprovalFact& fact = o.approvals.made.emplace_back();
    fact.approval.meta.name = "a" + std::to_string(o.approvals.made.size());
    fact.approval.meta.created = now;
    fact.approval.spec = {"first", "uid-1", "go", decision, user, {"leads"}, std::move(values), ""};
    return fact.approval;
  }
};

TEST(Approvals, AreWaitedForWithoutAPodOrAPlaceAndSayForWhom) {
  World w("parallelism: 1\nsteps:\n" + Go() + Step("other") + kAfterGo);
  EXPECT_THAT(w.created, ElementsAre("other/1"));
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kRunning);
  EXPECT_EQ(w.Status("go").reason, "AwaitingApproval");
  EXPECT_EQ(w.Status("go").message, "waits for an approval by alice, group leads");
  EXPECT_EQ(w.Status("go").start_time, w.now);
  EXPECT_EQ(w.Is("Succeeded"), "Unknown AwaitingApproval");
  EXPECT_EQ(w.plan.status.trouble, "go: AwaitingApproval");
  EXPECT_EQ(w.Status("deploy").reason, "Dependencies");
}

TEST(Approvals, AreToldOnceByAnEvent) {
  RunWorld w("steps:\n" + Go());
  w.o.approvals.policy.why_not.clear();
  EXPECT_EQ(w.Step().events.back().reason, "AwaitingApproval");
  EXPECT_THAT(w.Step().events, IsEmpty());
}

TEST(Approvals, LetTheRunGoOn) {
  World w("steps:\n" + Go() + kAfterGo);
  w.now += 1h;
  w.Decide("bob");
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("go").reason, "Approved");
  EXPECT_EQ(w.Status("go").message, "approved by bob");
  EXPECT_EQ(w.Status("go").attempts, 0);
  EXPECT_THAT(w.created, ElementsAre("deploy/1"));
}

TEST(Approvals, StandOnceTheStatusHasThem) {
  World w("steps:\n" + Go() + kAfterGo);
  w.Decide("bob");
  w.Settle();
  w.o.approvals.made.clear();
  w.o.approvals.policy.why_not = "gone";
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
}

TEST(Approvals, OfOthersThanTheApproversDoNotCount) {
  World w("steps:\n- {name: go, approval: {approvers: [{user: alice}]}}\n");
  w.Decide("mallory");
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("go").reason, "ApprovalRefused");
  EXPECT_THAT(w.Status("go").message,
              HasSubstr("the decision of mallory does not count: nobody but alice may decide"));
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("somebody else may decide"));
  w.Decide("alice");
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
}

TEST(Approvals, AreNeededFromAsManyDifferentPeopleAsTheStepSays) {
  World w("steps:\n" + Go("need: 2"));
  w.Decide("bob");
  w.Decide("bob");
  w.Settle();
  EXPECT_THAT(w.Status("go").message,
              AllOf(HasSubstr("waits for 2 approvals"), HasSubstr("approved so far by bob"),
                    HasSubstr("they have approved already")));
  w.Decide("carol");
  w.Settle();
  EXPECT_EQ(w.Status("go").message, "approved by bob, carol");
}

TEST(Approvals, EndTheStepWithTheFirstWhoRejects) {
  World w("steps:\n" + Go("need: 2") + kAfterGo);
  w.Decide("bob");
  w.now += 1min;
  w.Decide("carol", {}, api::Decision::kReject).spec.comment = "not on a Friday";
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("go").reason, "Rejected");
  EXPECT_EQ(w.Status("go").message, "rejected by carol: not on a Friday");
  EXPECT_EQ(w.Status("deploy").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
}

TEST(Approvals, OfWhoStartedTheRunDoNotCountWhereTheStepSaysSo) {
  World w("steps:\n" + Go("notBySubmitter: true"));
  w.Decide("bob");
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("has no annotation penstock.dev/submitted-by"));
  w.o.run.meta.annotations[api::kSubmittedBy] = "bob";
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("they started the run (notBySubmitter)"));
  w.o.run.meta.annotations[api::kSubmittedBy] = "dave";
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
}

TEST(Approvals, CountForNothingWhereTheRunIsOlderThanThePolicyThatKnowsWhoStartedIt) {
  World w("steps:\n" + Go("notBySubmitter: true"));
  w.o.run.meta.annotations[api::kSubmittedBy] = "dave";
  w.o.approvals.policy.since = w.now + 1min;
  w.now += 2min;
  w.Decide("bob");
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("nobody knows who started it"));
}

TEST(Approvals, CountForNothingWhereThePolicyIsNotInForce) {
  World w("steps:\n" + Go());
  w.o.approvals.policy.why_not = "there is no ValidatingAdmissionPolicy x";
  w.Decide("alice");
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("go").reason, "ApprovalUnbound");
  EXPECT_THAT(w.Says("Succeeded"),
              HasSubstr("no decision counts: there is no ValidatingAdmissionPolicy x"));
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(30'000));
}

TEST(Approvals, CountForNothingThatAreOlderThanThePolicyOrTheWait) {
  World w("steps:\n" + Go());
  w.Decide("alice").meta.created = w.now - 1s;
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("it was made before the step began to wait"));
  w.o.approvals.policy.since = w.now + 5s;
  w.o.approvals.made.clear();
  w.Decide("alice");
  w.Settle();
  EXPECT_EQ(w.Status("go").reason, "ApprovalUnbound");
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(5'000));
  w.now += 5s;
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("before the policy for Approvals was in force"));
}

TEST(Approvals, OfAnotherRunOrStepAreNoneOfThisOne) {
  World w("steps:\n" + Go());
  w.Decide("alice").spec.run_uid = "uid-0";
  w.Decide("alice").spec.step = "other";
  w.Settle();
  EXPECT_EQ(w.Status("go").reason, "AwaitingApproval");
  w.Decide("alice").spec.run = "second";
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("it names the run second"));
}

TEST(Approvals, GiveTheirValuesAsResultsOfTheStep) {
  World w(
      "steps:\n" +
      Go("values: [{name: env, enum: [staging, prod]}, {name: share, type: integer, default: 5, "
         "maximum: 50}, {name: note, optional: true}]") +
      Step("deploy",
           "parameters: {env: $(steps.go.results.env), share: $(steps.go.results.share)}"));
  w.Decide("bob", {{"env", "moon"}});
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("the value 'env': "));
  w.Decide("carol");
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("it gives no value 'env' (string)"));
  w.Decide("dan", {{"env", "prod"}, {"other", 1}});
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("the step asks for no value 'other'"));
  w.Decide("eve", {{"env", "prod"}, {"share", 7}});
  w.Settle();
  EXPECT_EQ(w.Status("go").results, (std::map<std::string, Json>{{"env", "prod"}, {"share", 7}}));
  EXPECT_THAT(w.created, ElementsAre("deploy/1"));
}

TEST(Approvals, MustAgreeOnTheValues) {
  World w("steps:\n" + Go("need: 2, values: [{name: env}]"));
  w.Decide("bob", {{"env", "prod"}});
  w.Decide("carol", {{"env", "staging"}});
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("it gives other values than bob did"));
  w.Decide("dan", {{"env", "prod"}});
  w.Settle();
  EXPECT_EQ(w.Status("go").message, "approved by bob, dan");
}

TEST(Approvals, MayNotGiveMoreThanResultsOfAStepMayBe) {
  World w("steps:\n" + Go("values: [{name: x, optional: true}, {name: z, optional: true}]"));
  const std::string much(40'000, 'x');
  w.Decide("bob", {{"x", much}, {"z", much}});
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("its values are over 64 KiB together"));
  w.Decide("dan", {{"x", much}});
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
}

TEST(Approvals, CountForNothingWhereARunAboveIsOlderThanThePolicy) {
  World w("steps:\n" + Go("notBySubmitter: true"));
  w.o.run.meta.annotations[api::kSubmittedBy] = "dave";
  w.o.approvals.above_created = w.o.approvals.policy.since - 1s;
  w.Decide("bob");
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("nobody knows who started it"));
  w.o.approvals.above_created = w.o.approvals.policy.since;
  w.o.approvals.policy.submitters_unknown = "it does not look at pipelines (CREATE)";
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("does not look at pipelines (CREATE)"));
  w.o.approvals.policy.submitters_unknown.clear();
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
}

TEST(Approvals, DoNotGoOnAtTheirTimeOutWhereNoRejectionWouldHaveCounted) {
  World w("steps:\n" + Go("timeout: 1h, onTimeout: Approve"));
  w.o.approvals.policy.why_not = "there is no policy";
  w.Decide("bob", {}, api::Decision::kReject);
  w.now += 61min;
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("go").reason, "ApprovalUnbound");
  EXPECT_THAT(w.Status("go").message, HasSubstr("onTimeout: Approve waits until decisions count"));
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(30'000));
  w.o.approvals.policy.why_not.clear();
  w.o.approvals.policy.since = w.now - 1s;  // it came after bob
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("go").reason, "ApprovalTimeout");
  EXPECT_THAT(w.Status("go").message, HasSubstr("does not go past the rejection of bob"));
}

TEST(Approvals, SayWhatTheStepTellsWithWhatItRefersTo) {
  RunWorld w("parameters: [{name: town, default: \"Ulm $(x\"}]\nsteps:\n" + Step("a") +
             Go("message: \"r is $(steps.a.results.r) in $(parameters.town)\""));
  w.o.approvals.policy.why_not.clear();
  w.Settle();
  EXPECT_EQ(w.Status("go").reason, "Dependencies");
  w.Succeed(w.Pod("a"), {{"r", 7}});
  w.Settle();
  EXPECT_THAT(w.Status("go").message, HasSubstr("r is 7 in Ulm $(x - waits for"));
}

TEST(Approvals, ThatNobodyGivesInTimeEndTheStepAsItSays) {
  const auto after = [](const std::string& outcome) {
    World w("steps:\n" +
            Go("timeout: 1h, onTimeout: " + outcome + ", values: [{name: env, default: dev}]"));
    EXPECT_EQ(w.plan.requeue_after, Milliseconds(30'000)) << "whether the policy still holds";
    w.now += 1h - 10s;
    w.Settle();
    EXPECT_EQ(w.plan.requeue_after, Milliseconds(10'000)) << "the end of its time";
    w.now += 10s;
    w.Decide("alice", {{"env", "late"}}).meta.created = w.now + 1s;
    w.now += 1min;
    w.Settle();
    EXPECT_EQ(w.Status("go").reason, "ApprovalTimeout");
    EXPECT_THAT(w.Status("go").message, HasSubstr("nobody has decided within 1h"));
    EXPECT_TRUE(w.plan.finished);
    return w.Status("go");
  };
  EXPECT_EQ(after("Fail").phase, api::StepPhase::kFailed);
  EXPECT_EQ(after("Skip").phase, api::StepPhase::kSkipped);
  const api::StepStatus approved = after("Approve");
  EXPECT_EQ(approved.phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(approved.results.at("env"), Json("dev"));
}

TEST(Approvals, MadeInTimeCountWhenTheOperatorWasAwayMeanwhile) {
  World w("steps:\n" + Go("timeout: 1h"));
  w.now += 30min;
  w.Decide("alice");
  w.now += 5h;
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
}

TEST(Approvals, EndWithACancelAndADeadline) {
  World w("steps:\n" + Go() + kAfterGo + "finally:\n" + Step("tidy"));
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kCancelled);
  EXPECT_THAT(w.created, ElementsAre("tidy/1"));
  World late("timeouts: {run: 1h}\nsteps:\n" + Go());
  late.now += 2h;
  late.Settle();
  EXPECT_EQ(late.Status("go").reason, "DeadlineExceeded");
  EXPECT_TRUE(late.plan.finished);
}

TEST(Approvals, AreWaitedForUnderTheirConditionOnly) {
  World w(
      "parameters: [{name: ask, type: boolean, default: false}]\nsteps:\n- {name: go, when: "
      "parameters.ask, approval: {}}\n");
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSkipped);
}

TEST(Approvals, BeginNotWhileTheRunIsSuspendedAndAreTakenAllTheSame) {
  World w("steps:\n" + Go() + kAfterGo);
  w.o.run.spec.suspend = true;
  w.Decide("alice");
  w.Settle();
  EXPECT_EQ(w.Status("go").phase, api::StepPhase::kSucceeded);
  EXPECT_THAT(w.created, IsEmpty());
  RunWorld fresh("steps:\n" + Go());
  fresh.o.run.spec.suspend = true;
  fresh.Settle();
  EXPECT_EQ(fresh.Status("go").reason, "Suspended");
  EXPECT_FALSE(fresh.Status("go").start_time);
}

TEST(Approvals, OfTheRunsThatStepsAreKnowWhoStartedTheOutermost) {
  RunWorld w(
      "steps:\n- {name: call, pipeline: {steps: [{name: go, approval: {notBySubmitter: "
      "true}}]}}\n");
  w.o.run.meta.annotations[api::kSubmittedBy] = "dave";
  w.Settle();
  const Json& child = w.objects.at(w.Child("call").name);
  EXPECT_EQ(child["metadata"]["annotations"].value("penstock.dev/submitted-by", ""), "dave");
}

TEST(Waits, LastAsLongAsTheySayWithoutAPod) {
  World w("steps:\n- {name: pause, wait: {duration: 90s}}\n" +
          Step("b", "dependsOn: [{step: pause}]"));
  EXPECT_EQ(w.Status("pause").phase, api::StepPhase::kRunning);
  EXPECT_EQ(w.Status("pause").reason, "AwaitingTime");
  EXPECT_EQ(w.Status("pause").message, "waits until 2026-11-21T12:01:30Z");
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(90'000));
  w.now += 89s;
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  w.now += 1s;
  w.Settle();
  EXPECT_EQ(w.Status("pause").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("pause").finish_time, kNoon + 90s);
  EXPECT_THAT(w.created, ElementsAre("b/1"));
}

TEST(Waits, EndWithACancel) {
  World w("steps:\n- {name: pause, wait: {duration: 90s}}\n");
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Settle();
  EXPECT_EQ(w.Status("pause").phase, api::StepPhase::kCancelled);
  EXPECT_TRUE(w.plan.finished);
}

// So many steps that failed or gave much that nothing else fits into the status.
std::string Crowd() {
  std::string steps;
  for (int i = 0; i < 510; ++i) steps += Step("s" + std::to_string(i));
  return steps;
}
void FailTheCrowd(World& w) {
  for (int i = 0; i < 20 && CountOf<CreatePod>(w.plan) > 0; ++i) {
    for (PodFact& pod : w.o.pods)
      if (!HasEnded(pod)) w.Fail(pod);
    w.Settle();
  }
}

// Each plan began them anew.
TEST(Waits, EndInTimeWhereFiveHundredOthersHaveFailed) {
  World w("steps:\n" + Crowd() + "- {name: pause, wait: {duration: 90s}}\n");
  FailTheCrowd(w);
  w.now += 60s;
  w.Settle();
  EXPECT_EQ(w.Status("pause").start_time, kNoon);
  w.now += 30s;
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.plan.status.finish_time, kNoon + 90s);
}

TEST(Approvals, StayRejectedWhereFiveHundredOthersHaveFailed) {
  World w("steps:\n" + Crowd() + Go() + kAfterGo + "- {name: hold, wait: {duration: 90s}}\n");
  w.now += 1s;
  w.Decide("bob", {}, api::Decision::kReject);
  w.Settle();
  FailTheCrowd(w);
  w.o.approvals.made.clear();
  w.Settle();
  EXPECT_EQ(w.Status("go").reason, "Rejected");
  EXPECT_EQ(w.Status("go").message, "rejected by bob");
  EXPECT_FALSE(w.plan.finished);
  w.now += 90s;
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
}

// All must stand in the status, whose size the API server bounds.
TEST(Waits, OfFiveThousandStepsKeepTheStatusBelowAMegabyte) {
  std::string steps;
  for (int i = 0; i < 5'000; ++i)
    steps += "- {name: pause-of-some-length-" + std::to_string(i) + ", wait: {duration: 90s}}\n";
  World w("steps:\n" + steps);
  EXPECT_EQ(w.plan.status.steps.size(), 5'000U);
  EXPECT_LT(api::Encode(w.plan.status).dump().size(), std::size_t{1} << 20U);
  w.now += 90s;
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
}

}  // namespace
}  // namespace penstock::plan
