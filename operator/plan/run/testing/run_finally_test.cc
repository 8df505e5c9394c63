// Outcomes of dependencies, failures that are allowed, finally steps, the run's deadline.
#include <gmock/gmock.h>

#include "operator/plan/run/run_so_far.h"
#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/values/dependency.h"

namespace penstock::plan {
namespace {

using api::DependencyOutcome;
using api::StepPhase;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// A step that waits for another one, without its outputs.
std::string Waits(const std::string& name, const std::string& on, const std::string& outcome) {
  return Step(name, "dependsOn: [{step: " + on + ", outcome: " + outcome + "}]");
}

api::StepStatus Ended(StepPhase phase, const std::string& reason = "", bool allowed = false) {
  api::StepStatus s;
  s.name = "a";
  s.phase = phase;
  s.reason = reason;
  s.allowed = allowed;
  return s;
}

TEST(Dependency, EachOutcomeIsMetByWhatItsTableSays) {
  const auto met = [](const api::StepStatus& s) {
    std::string by;
    if (IsMet(DependencyOutcome::kSucceeded, s)) by += "Succeeded ";
    if (IsMet(DependencyOutcome::kFailed, s)) by += "Failed ";
    if (IsMet(DependencyOutcome::kSkipped, s)) by += "Skipped ";
    if (IsMet(DependencyOutcome::kSucceededOrSkipped, s)) by += "SucceededOrSkipped ";
    if (IsMet(DependencyOutcome::kAny, s)) by += "Any ";
    return by;
  };
  EXPECT_EQ(met(Ended(StepPhase::kSucceeded)), "Succeeded SucceededOrSkipped Any ");
  EXPECT_EQ(met(Ended(StepPhase::kFailed)), "Failed Any ");
  EXPECT_EQ(met(Ended(StepPhase::kFailed, "", true)), "Succeeded Failed SucceededOrSkipped Any ");
  EXPECT_EQ(met(Ended(StepPhase::kSkipped, "WhenFalse")), "Skipped SucceededOrSkipped Any ");
  EXPECT_EQ(met(Ended(StepPhase::kSkipped, kDependencyFailed)), "Any ");
  EXPECT_EQ(met(Ended(StepPhase::kCancelled)), "Any ");
  EXPECT_EQ(met(Ended(StepPhase::kRunning)), "");
}

TEST(PlanRunFinally, AStepThatWasSkippedForAFailurePassesThatOn) {
  RunWorld w("steps:\n" + Step("a") + Waits("b", "a", "Succeeded") +
             Waits("c", "b", "SucceededOrSkipped"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "DependencyFailed");
  EXPECT_EQ(w.Status("c").reason, "DependencyFailed");
  EXPECT_EQ(w.Status("c").message, "step b was skipped because a step before it failed");
}

TEST(PlanRunFinally, AHandlerThatWasNotNeededDoesNotSkipWhatComesAfterEither) {
  RunWorld w("steps:\n" + Step("a") + Waits("b", "a", "Failed") +
             Waits("c", "b", "SucceededOrSkipped") + Waits("d", "b", "Skipped"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "DependencySucceeded");
  EXPECT_THAT(w.created, UnorderedElementsAre("a/1", "c/1", "d/1"));
}

TEST(PlanRunFinally, AFailureThatIsAllowedLetsTheRunSucceedAndSaysSo) {
  RunWorld w("steps:\n" + Step("a", "allowFailure: true") + Waits("b", "a", "Succeeded") +
             Step("uses", After("a")));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, StepPhase::kFailed);
  EXPECT_TRUE(w.Status("a").allowed);
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  EXPECT_EQ(w.Status("uses").reason, "OutputAbsent");
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
  EXPECT_EQ(w.Says("Succeeded"),
            "1 of 3 steps have succeeded, 1 failed and may (allowFailure), 1 were skipped");
  EXPECT_EQ(w.plan.status.summary.failed, 1);
  EXPECT_EQ(w.plan.status.summary.allowed, 1);
  EXPECT_TRUE(w.plan.status.trouble.empty());
}

TEST(PlanRunFinally, AFailureThatIsNotAllowedFailsTheRunWhateverElseMayFail) {
  RunWorld w("steps:\n" + Step("a", "allowFailure: true") + Step("b"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Fail(w.Pod("b"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("step b "));
  EXPECT_THAT(w.Says("Succeeded"), Not(HasSubstr("more failed")));
}

const std::string kWithFinally = kChain + "finally:\n" + Step("tell") + Step("last", After("tell"));

TEST(PlanRunFinally, FinallyStepsStartWhenAllOthersHaveEndedWell) {
  RunWorld w(kWithFinally);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("tell").phase, StepPhase::kWaiting);
  EXPECT_EQ(w.Status("tell").reason, "Dependencies");
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "tell/1"));
  EXPECT_FALSE(w.plan.finished);
  w.Succeed(w.Pod("tell"));
  w.Settle();
  EXPECT_THAT(w.created, Contains("last/1"));
  w.Succeed(w.Pod("last"));
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

TEST(PlanRunFinally, FinallyStepsRunAfterAFailureAndTheRunFailsAllTheSame) {
  RunWorld w(kWithFinally);
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("b").phase, StepPhase::kSkipped);
  EXPECT_THAT(w.created, ElementsAre("a/1", "tell/1"));
  w.Succeed(w.Pod("tell"));
  w.Settle();
  w.Succeed(w.Pod("last"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
}

TEST(PlanRunFinally, AFinallyStepThatFailsFailsTheRunUnlessItMay) {
  for (const bool may : {false, true}) {
    RunWorld w("steps:\n" + Step("a") + "finally:\n" +
               Step("tell", may ? "allowFailure: true" : ""));
    w.Settle();
    w.Succeed(w.Pod("a"));
    w.Settle();
    w.Fail(w.Pod("tell"));
    w.Settle();
    EXPECT_EQ(w.Is("Succeeded"), may ? "True Succeeded" : "False StepFailed");
  }
}

TEST(PlanRunFinally, FinallyStepsRunAfterCancelStopAlsoInASuspendedRun) {
  RunWorld w(kWithFinally);
  w.Settle();
  w.Run(w.Pod("a"));
  w.o.run.spec.suspend = true;
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Settle();
  EXPECT_THAT(w.deleted, ElementsAre(w.Pod("a").name));
  EXPECT_THAT(w.created, ElementsAre("a/1")) << "its pod goes on";
  w.Pod("a").deleting = true;
  w.End(w.Pod("a"), Message(TaskOutcome::kCancelled));
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, StepPhase::kCancelled);
  EXPECT_EQ(w.Status("b").phase, StepPhase::kCancelled);
  EXPECT_THAT(w.created, ElementsAre("a/1", "tell/1"));
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("its finally steps run"));
  w.Succeed(w.Pod("tell"));
  w.Settle();
  w.Succeed(w.Pod("last"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
}

TEST(PlanRunFinally, CancelNowEndsFinallyStepsToo) {
  RunWorld w(kWithFinally);
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  w.Run(w.Pod("tell"));
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Settle();
  EXPECT_THAT(w.deleted, ElementsAre(w.Pod("tell").name));
  EXPECT_EQ(w.Status("last").phase, StepPhase::kCancelled);
  w.Drop("tell");
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
}

TEST(PlanRunFinally, AFinallyStepMayDependOnHowAnotherStepEnded) {
  RunWorld w("steps:\n" + Step("a") + Step("b") + "finally:\n" + Waits("on-a", "a", "Failed") +
             Waits("on-b", "b", "Failed"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_THAT(w.created, UnorderedElementsAre("a/1", "b/1", "on-a/1"));
  EXPECT_EQ(w.Status("on-b").reason, "DependencySucceeded");
}

TEST(PlanRunFinally, AFinallyStepThatTakesAnOutputIsSkippedWhereThereIsNone) {
  RunWorld w("steps:\n" + Step("a") + "finally:\n" + Step("keep", After("a")));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("keep").reason, "OutputAbsent");
  EXPECT_TRUE(w.plan.finished);
}

// --- timeouts.run

TEST(PlanRunFinally, ARunThatIsLateStopsItsStepsRunsFinallyAndFails) {
  RunWorld w("timeouts: {run: 1m}\n" + kWithFinally + "");
  w.Settle();
  EXPECT_LE(*w.plan.requeue_after, 60s);
  w.Run(w.Pod("a"));
  w.now += 61s;
  w.Settle();
  EXPECT_THAT(w.deleted, ElementsAre(w.Pod("a").name));
  EXPECT_EQ(w.Status("b").reason, "DeadlineExceeded");
  EXPECT_EQ(w.Is("Reconciling"), "True DeadlineExceeded");
  w.Pod("a").deleting = true;
  w.End(w.Pod("a"), Message(TaskOutcome::kCancelled));
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, StepPhase::kCancelled);
  EXPECT_THAT(w.created, ElementsAre("a/1", "tell/1"));
  w.now += 600s;
  w.Succeed(w.Pod("tell"));
  w.Settle();
  w.Succeed(w.Pod("last"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "False DeadlineExceeded");
  EXPECT_EQ(w.Says("Succeeded"),
            "the run had not ended within 1m (timeouts.run); 2 of 4 steps have succeeded");
}

TEST(PlanRunFinally, ADeadlineThatPassesWhenAllStepsHaveEndedChangesNothing) {
  RunWorld w("timeouts: {run: 1m}\nsteps:\n" + Step("a") + "finally:\n" + Step("tell"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.now += 120s;
  w.Settle();
  EXPECT_THAT(w.deleted, IsEmpty());
  w.Succeed(w.Pod("tell"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

}  // namespace
}  // namespace penstock::plan
