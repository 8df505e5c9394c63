// Conditions of steps, looked at when the steps before have ended.
#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using api::StepPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string If(const std::string& name, const std::string& when, const std::string& more = "") {
  return Step(name, "when: '" + when + "'" + (more.empty() ? "" : ", " + more));
}

TEST(PlanRunWhen, AStepWhoseConditionIsFalseIsSkippedAndSaysWhatItRead) {
  RunWorld w("parameters: [{name: train, type: boolean, default: false}]\nsteps:\n" +
             If("a", "parameters.train") + Step("b", After("a")) +
             Step("c", "dependsOn: [{step: a, outcome: SucceededOrSkipped}]"));
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, StepPhase::kSkipped);
  EXPECT_EQ(w.Status("a").reason, "WhenFalse");
  EXPECT_EQ(w.Status("a").message, "when: parameters.train is false: parameters.train is false");
  EXPECT_EQ(w.Status("b").reason, "DependencySkipped");
  EXPECT_THAT(w.created, ElementsAre("c/1"));
  w.Succeed(w.Pod("c"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

TEST(PlanRunWhen, ReadsResultsWhenTheStepHasEnded) {
  for (const int rows : {50, 150}) {
    RunWorld w("steps:\n" + Step("a") + If("b", "steps.a.results.r > 100"));
    w.Settle();
    EXPECT_EQ(w.Status("b").phase, StepPhase::kWaiting);
    w.Succeed(w.Pod("a"), {{"r", rows}});
    w.Settle();
    EXPECT_EQ(w.created.size(), rows > 100 ? 2u : 1u);
    if (rows > 100) continue;
    EXPECT_EQ(w.Status("b").message,
              "when: steps.a.results.r > 100 is false: steps.a.results.r is 50");
  }
}

TEST(PlanRunWhen, AResultThatIsNotThereSkipsUnlessTheConditionAsks) {
  RunWorld w("steps:\n" + Step("a") + If("b", "steps.a.results.r > 100") +
             If("c", "!has(steps.a.results.r) || steps.a.results.r > 100"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "ResultAbsent");
  EXPECT_THAT(w.Status("b").message, HasSubstr("step a gave no result 'r'"));
  EXPECT_THAT(w.created, ElementsAre("a/1", "c/1"));
}

// It was skipped as if the loop had not given the result.
TEST(PlanRunWhen, AListThatIsTooLongToBeReadFailsTheStepAndSaysSo) {
  RunWorld w("steps:\n" + Step("each", "forEach: {in: [a, b]}") +
             If("b", "size(steps.each.results.r) > 1") + If("c", "has(steps.each.results.r)"));
  w.Settle();
  for (const int i : {0, 1}) w.Succeed(w.Item(i), {{"r", i}});
  w.Step();
  ASSERT_EQ(w.plan.requests.gathers.size(), 1u);
  GatherAnswer answer;  // as of a list of over 64 KiB: a file and no more
  answer.succeeded = w.plan.requests.gathers[0].succeeded;
  answer.outputs = {{"o", "file", {Digest('f'), true, 7}}, {"r", "file", {Digest('e'), false, 7}}};
  w.o.gathered["each"] = std::make_shared<const GatherAnswer>(answer);
  w.Settle();
  for (const char* step : {"b", "c"}) {
    EXPECT_EQ(w.Status(step).phase, StepPhase::kFailed) << step;
    EXPECT_EQ(w.Status(step).reason, "WhenError") << step;
    EXPECT_THAT(w.Status(step).message, HasSubstr("the list is over 64 KiB")) << step;
  }
}

TEST(PlanRunWhen, AnErrorInItFailsTheStep) {
  RunWorld w("steps:\n" + Step("a") + If("b", "10 / steps.a.results.r > 1"));
  w.Settle();
  w.Succeed(w.Pod("a"), {{"r", 0}});
  w.Settle();
  EXPECT_EQ(w.Status("b").phase, StepPhase::kFailed);
  EXPECT_EQ(w.Status("b").reason, "WhenError");
  EXPECT_THAT(w.Status("b").message, HasSubstr("division by zero"));
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
}

TEST(PlanRunWhen, BranchesByTheEndOfAStep) {
  RunWorld w("steps:\n" + Step("a", "allowFailure: true") +
             If("good", "steps.a.status == \"Succeeded\"") +
             If("bad", "steps.a.status == \"Failed\""));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("good").reason, "WhenFalse");
  EXPECT_THAT(w.Status("good").message, HasSubstr("steps.a.status is \"Failed\""));
  EXPECT_THAT(w.created, ElementsAre("a/1", "bad/1"));
}

TEST(PlanRunWhen, ANumberWithoutAFractionIsADouble) {
  RunWorld w("parameters: [{name: rate, type: number, default: 3}]\nsteps:\n" +
             If("a", "parameters.rate / 2.0 == 1.5"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
}

TEST(PlanRunWhen, AFinallyStepKnowsHowTheRunStands) {
  const std::string spec = "steps:\n" + Step("a") + Step("b") + "finally:\n" +
                           If("on-failure", "run.status == \"Failed\"") +
                           If("on-success", "run.status == \"Succeeded\"") +
                           If("on-b", "run.failures.exists(f, f.step == \"b\")");
  RunWorld failed(spec);
  failed.Settle();
  failed.Fail(failed.Pod("a"));
  failed.Succeed(failed.Pod("b"));
  failed.Settle();
  EXPECT_THAT(failed.created, UnorderedElementsAre("a/1", "b/1", "on-failure/1"));
  EXPECT_THAT(failed.Status("on-b").message, HasSubstr("run.failures is [{\"message\": "));
  RunWorld good(spec);
  good.Settle();
  good.Succeed(good.Pod("a"));
  good.Succeed(good.Pod("b"));
  good.Settle();
  EXPECT_THAT(good.created, UnorderedElementsAre("a/1", "b/1", "on-success/1"));
}

TEST(PlanRunWhen, HowAStepEndedIsAValueToo) {
  RunWorld w("steps:\n" + Step("a") +
             Step("b", "parameters: {how: $(steps.a.status)}, cache: {enabled: false}"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  const auto task =
      ParseTask(w.objects.at(w.Pod("b").name)["metadata"]["annotations"][kAnnotationTask]);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->parameters["how"], "Failed");
}

TEST(PlanRunWhen, ARetryDoesNotAskAgain) {
  RunWorld w("steps:\n" + If("a", "run.name == \"first\"", "retry: {user: {limit: 1}}"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  w.now += 60s;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "a/2"));
}

}  // namespace
}  // namespace penstock::plan
