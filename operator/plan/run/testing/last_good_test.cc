// onFailure: what an earlier run gave stands in for a step that has failed.
#include "operator/plan/step/last_good.h"

#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using api::LastGoodUse;
using api::StepPhase;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kOnFailure = "onFailure: {use: LastGood, maxAge: 2h}";

class LastGoodRuns : public ::testing::Test {
 protected:
  explicit LastGoodRuns(const std::string& more = "")
      : w_("steps:\n" + Step("a", kOnFailure + (more.empty() ? "" : ", " + more)) +
           Step("b", After("a"))) {}

  void FailA() {
    w_.Settle();
    w_.Fail(w_.Pod("a"));
    w_.Step();
  }
  void Answer(Milliseconds age) {
    LastGoodAnswer answer;
    answer.found = LastGood{"before", w_.now - age, {{"o", "dataset", Digest('d'), false, 7}}, {}};
    answer.found->results["r"] = 4;
    w_.o.last_good["a"] = std::make_shared<const LastGoodAnswer>(std::move(answer));
    w_.Settle();
  }
  std::vector<std::string> Events() const {
    std::vector<std::string> all;
    for (const RunEvent& e : w_.plan.events) all.push_back(e.type + " " + e.reason);
    return all;
  }
  RunWorld w_;
};

TEST_F(LastGoodRuns, StandsInForTheStepAndWhatFollowsGoesOn) {
  FailA();
  ASSERT_EQ(w_.plan.requests.last_good.size(), 1U);
  EXPECT_EQ(w_.plan.requests.last_good[0].step, "a");
  EXPECT_EQ(w_.Status("b").phase, StepPhase::kWaiting) << "it is not known yet";
  Answer(2h);
  const api::StepStatus& a = w_.Status("a");
  EXPECT_EQ(a.phase, StepPhase::kFailed);
  EXPECT_TRUE(a.allowed);
  EXPECT_EQ(a.exit_code, 1);
  EXPECT_THAT(a.message, HasSubstr("; what run before gave at 2026-11-21T10:00:00Z stands in for "
                                   "it (onFailure)"));
  EXPECT_THAT(a.message, Not(HasSubstr("is looked for")));
  ASSERT_TRUE(a.last_good);
  EXPECT_EQ(a.last_good->outcome, LastGoodUse::kUsed);
  EXPECT_EQ(a.last_good->run, "before");
  EXPECT_EQ(a.results.at("r"), 4);
  w_.Succeed(w_.Pod("b"));
  w_.Settle();
  EXPECT_EQ(w_.Is("Succeeded"), "True Succeeded");
  EXPECT_THAT(w_.Says("Succeeded"), HasSubstr("1 of 2 steps have succeeded, 1 failed; for 1 stands "
                                              "in what was made last (onFailure)"));
  EXPECT_EQ(w_.Is("LastGoodUsed"), "True StepFailed");
  EXPECT_THAT(w_.Says("LastGoodUsed"), HasSubstr("step a has failed: what run before gave at"));
  EXPECT_TRUE(UsedLastGood(w_.o.run));
}

TEST_F(LastGoodRuns, IsTheReadersInputByItsDigest) {
  FailA();
  Answer(1h);
  const Json task = w_.objects.at(w_.Pod("b").name);
  EXPECT_THAT(task.dump(), HasSubstr("input")) << "it was made";
  const auto answer = GivenIn(w_.o.run, w_.o.run, *w_.o.resolved->Find("a"));
  EXPECT_FALSE(answer) << "a run is not its own earlier one";
  EXPECT_EQ(w_.Status("a").outputs.at(0).digest, Digest('d'));
}

TEST_F(LastGoodRuns, IsToldByOneEventAndTheNextPlanChangesNothing) {
  FailA();
  EXPECT_THAT(Events(), Not(Contains("Warning StepFailed")));
  LastGoodAnswer answer;
  answer.found = LastGood{"before", w_.now, {{"o", "dataset", Digest('d'), false, 7}}, {}};
  w_.o.last_good["a"] = std::make_shared<const LastGoodAnswer>(std::move(answer));
  w_.Step();
  EXPECT_THAT(Events(), ElementsAre("Warning LastGoodUsed"));
  EXPECT_TRUE(w_.plan.urgent_status);
  w_.Settle();
  const Json before = api::Encode(w_.plan.status);
  // The controller was restarted since, another run has succeeded, and the pod is gone.
  w_.o.last_good.clear();
  w_.Drop("a");
  w_.now += 1min;
  w_.Step();
  EXPECT_EQ(api::Encode(w_.plan.status)["steps"][0], before["steps"][0]);
  EXPECT_THAT(w_.plan.requests.last_good, IsEmpty());
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(LastGoodRuns, ThatIsOlderThanMaxAgeDoesNotStandIn) {
  FailA();
  Answer(2h + 1s);
  const api::StepStatus& a = w_.Status("a");
  EXPECT_FALSE(a.allowed);
  EXPECT_EQ(a.last_good->outcome, LastGoodUse::kTooOld);
  EXPECT_THAT(a.outputs, IsEmpty());
  EXPECT_THAT(a.message, HasSubstr("; what run before gave at 2026-11-21T09:59:59Z is older than "
                                   "onFailure.maxAge (2h)"));
  EXPECT_EQ(w_.Status("b").phase, StepPhase::kSkipped);
  EXPECT_EQ(w_.Is("Succeeded"), "False StepFailed");
  EXPECT_EQ(w_.Is("LastGoodUsed"), "absent");
}

TEST_F(LastGoodRuns, ThatIsNotThereLeavesTheFailureAsItIs) {
  FailA();
  LastGoodAnswer none;
  none.why_none = "no run of the Pipeline that is kept has succeeded in this step";
  w_.o.last_good["a"] = std::make_shared<const LastGoodAnswer>(none);
  w_.Step();
  EXPECT_THAT(Events(), Contains("Warning StepFailed"));
  EXPECT_EQ(w_.Status("a").last_good->outcome, LastGoodUse::kAbsent);
  EXPECT_THAT(w_.Status("a").message,
              HasSubstr("nothing stands in for it: no run of the Pipeline"));
  EXPECT_EQ(w_.Settle().finished, true);
  EXPECT_EQ(w_.Is("Succeeded"), "False StepFailed");
}

TEST_F(LastGoodRuns, TheAgeCountsToTheFailureAndNotToWhenItIsLookedAt) {
  FailA();
  const TimePoint failed = w_.now;
  w_.now += 10h;  // no operator ran
  LastGoodAnswer answer;
  answer.found = LastGood{"before", failed - 1h, {{"o", "dataset", Digest('d'), false, 7}}, {}};
  w_.o.last_good["a"] = std::make_shared<const LastGoodAnswer>(std::move(answer));
  w_.Step();
  EXPECT_EQ(w_.Status("a").last_good->outcome, LastGoodUse::kUsed);
}

TEST_F(LastGoodRuns, AStoreThatCannotBeAskedIsSaidOnce) {
  FailA();
  w_.o.store_trouble["a"] = "the disk is gone";
  for (int i = 0; i < 3; ++i) w_.Step();
  const std::string& message = w_.Status("a").message;
  EXPECT_THAT(message, HasSubstr("is looked for (onFailure): the disk is gone"));
  EXPECT_EQ(message.find("is looked for"), message.rfind("is looked for"));
  EXPECT_FALSE(w_.plan.finished);
}

TEST_F(LastGoodRuns, ARunThatIsStoppedMeanwhileDoesNotWaitForIt) {
  FailA();
  w_.o.run.spec.cancel = api::CancelMode::kStop;
  w_.Settle();
  EXPECT_TRUE(w_.plan.finished);
  EXPECT_EQ(w_.Status("a").last_good->outcome, LastGoodUse::kAbsent);
  EXPECT_EQ(w_.Status("a").phase, StepPhase::kFailed);
}

// The Pipeline keeps what it published; what is older is no new version of it.
TEST(LastGoodOutputs, ThatStoodInAreNoOutputsOfTheRunAndNoVerdict) {
  RunWorld w("steps:\n" + Step("a", kOnFailure) + Step("b", After("a")) +
             "outputs: {old: $(steps.a.outputs.o), new: $(steps.b.outputs.o)}\n");
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Step();
  LastGoodAnswer answer;
  answer.found = LastGood{"before", w.now - 1h, {{"o", "dataset", Digest('d'), false, 7}}, {}};
  answer.found->results["blessed"] = true;
  w.o.last_good["a"] = std::make_shared<const LastGoodAnswer>(std::move(answer));
  w.Settle();
  w.Succeed(w.Pod("b"));
  w.Settle();
  ASSERT_EQ(w.Is("Succeeded"), "True Succeeded");
  ASSERT_EQ(w.o.run.status.outputs.size(), 1U);
  EXPECT_EQ(w.o.run.status.outputs[0].name, "new");
  EXPECT_EQ(w.Is("Blessed"), "absent") << "it was one on another run's";
}

class RetriedLastGood : public LastGoodRuns {
 protected:
  RetriedLastGood() : LastGoodRuns("retry: {user: {limit: 1}}") {}
};

TEST_F(RetriedLastGood, IsLookedForWhenNoRetryIsLeft) {
  FailA();
  EXPECT_THAT(w_.plan.requests.last_good, IsEmpty());
  w_.now += 1h;
  w_.Settle();
  w_.Fail(w_.Pod("a", 2));
  w_.Step();
  EXPECT_EQ(w_.plan.requests.last_good.size(), 1U);
}

// What an earlier run gave.

class GivenBefore : public ::testing::Test {
 protected:
  GivenBefore() {
    run_.meta.name = "now";
    run_.meta.uid = "2";
    run_.meta.namespace_ = "team";
    run_.spec.pipeline_ref = "p";
    other_ = run_;
    other_.meta.name = "before";
    other_.meta.uid = "1";
    api::StepStatus& s = other_.status.steps.emplace_back();
    s.name = "a";
    s.phase = StepPhase::kSucceeded;
    s.finish_time = kNoon;
    s.outputs = {{"o", "dataset", Digest('d'), true, 9}};
    s.results = {{"r", 4}};
  }
  std::optional<LastGood> Given(const std::string& step = Step("a")) {
    const auto resolved = MustResolve("steps:\n" + step);
    return GivenIn(other_, run_, resolved.steps.at(0));
  }
  api::StepStatus& Then() { return other_.status.steps.at(0); }
  api::PipelineRun run_, other_;
};

TEST_F(GivenBefore, IsWhatTheStepGaveWhenItSucceeded) {
  const auto last = Given();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->run, "before");
  EXPECT_EQ(last->time, kNoon);
  EXPECT_EQ(last->outputs.at(0).digest, Digest('d'));
  EXPECT_TRUE(last->outputs.at(0).folder);
  EXPECT_EQ(last->results.at("r"), 4);
}

TEST_F(GivenBefore, CountsFromWhereWhatStoodInThenWasMade) {
  Then().phase = StepPhase::kFailed;
  EXPECT_FALSE(Given());
  Then().last_good = api::LastGoodStatus{LastGoodUse::kTooOld, "first", kNoon - 3h};
  EXPECT_FALSE(Given());
  Then().last_good->outcome = LastGoodUse::kUsed;
  const auto last = Given();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->run, "first");
  EXPECT_EQ(last->time, kNoon - 3h);
}

TEST_F(GivenBefore, IsOfRunsOfTheSamePipelineThatPublish) {
  other_.spec.publish = false;
  EXPECT_FALSE(Given()) << "a trial is kept to itself";
  other_.spec.publish = true;
  other_.spec.pipeline_ref = "q";
  EXPECT_FALSE(Given());
  other_.spec.pipeline_ref = "p";
  other_.spec.library = true;
  EXPECT_FALSE(Given());
  other_.spec.library = false;
  other_.meta.namespace_ = "others";
  EXPECT_FALSE(Given()) << "of another namespace";
  other_.meta.namespace_ = "team";
  ASSERT_TRUE(Given());
  api::OwnerReference parent;
  parent.kind = "PipelineRun";
  parent.api_version = "penstock.dev/v1alpha1";
  parent.controller = true;
  other_.meta.owners = {parent};
  EXPECT_FALSE(Given()) << "an item of a loop has other parameters";
  EXPECT_EQ(WhyNoEarlierRun(other_), "a run within another one has no earlier run");
}

TEST_F(GivenBefore, IsOfNoRunForALaterTimeNorOfALateOneForATimeLongPast) {
  run_.meta.created = other_.meta.created = kNoon;
  const std::string step = Step("a", kOnFailure);
  run_.spec.scheduled_time = kNoon - 24h;
  EXPECT_FALSE(Given(step)) << "a backfill of yesterday takes nothing of today";
  other_.spec.scheduled_time = kNoon - 25h;
  EXPECT_TRUE(Given(step)) << "one of the hour before";
  run_.spec.scheduled_time.reset();
  EXPECT_FALSE(Given(step)) << "yesterday's rows are not new for having been made now";
  Then().finish_time = kNoon - 24h;
  EXPECT_TRUE(Given(step)) << "made in its time: too old is said of it";
}

TEST_F(GivenBefore, IsNothingThatTheStepCouldNotGiveNow) {
  EXPECT_FALSE(
      Given("- {name: a, container: {image: x, command: [c]}, outputs: [{name: o, type: "
            "model}]}\n"));
  EXPECT_FALSE(
      Given("- {name: a, container: {image: x, command: [c]}, outputs: [{name: other}]}\n"));
  EXPECT_FALSE(
      Given("- {name: a, container: {image: x, command: [c]}, outputs: [{name: o, type: "
            "dataset}], results: [{name: r, type: boolean}]}\n"));
  const auto fewer = Given(
      "- {name: a, container: {image: x, command: [c]}, outputs: [{name: o, type: dataset}]}\n");
  ASSERT_TRUE(fewer);
  EXPECT_THAT(fewer->results, IsEmpty());
  Then().reason = "Taken";  // by a rerun: that says nothing of when it was made
  EXPECT_FALSE(Given());
}

}  // namespace
}  // namespace penstock::plan
