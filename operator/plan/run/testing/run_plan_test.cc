#include "operator/plan/run/run_plan.h"

#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using ::testing::VariantWith;

TEST(PlanRun, StartsAStepWhenThoseBeforeItHaveSucceeded) {
  RunWorld w(kChain);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("b").phase, api::StepPhase::kWaiting);
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
  EXPECT_EQ(w.Is("Ready"), "True Succeeded");
  EXPECT_EQ(w.Is("Finished"), "True Succeeded");
  EXPECT_EQ(w.plan.status.summary.succeeded, 2);
}

TEST(PlanRun, PlanningAgainOnAnAppliedResultYieldsNoAction) {
  RunWorld w(kChain);
  w.Settle();
  EXPECT_TRUE(w.Step().actions.empty());
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Step();
  const auto status = api::Encode(w.plan.status);
  EXPECT_TRUE(w.Step().actions.empty());
  EXPECT_TRUE(w.plan.events.empty());
  EXPECT_EQ(api::Encode(w.plan.status), status);
}

TEST(PlanRun, HasEveryConditionFromTheFirstVisit) {
  RunWorld w(kChain);
  w.o.resolved = nullptr;
  w.Step();
  for (const char* type : {"Ready", "Reconciling", "Stalled", "Succeeded", "Finished"})
    EXPECT_THAT(w.Is(type), HasSubstr(" Resolving")) << type;
  EXPECT_TRUE(w.plan.urgent_status);
}

TEST(PlanRun, ASpecThatCannotBeResolvedStallsWithEveryError) {
  RunWorld w(kChain);
  w.o.resolved = nullptr;
  w.o.spec_errors = {{"spec.a", "one"}, {"spec.b", "two"}};
  w.Step();
  EXPECT_EQ(w.Is("Stalled"), "True InvalidSpec");
  EXPECT_EQ(w.Is("Succeeded"), "Unknown InvalidSpec");
  EXPECT_EQ(w.Says("Stalled"), "spec.a: one; spec.b: two; nothing is run until this is corrected");
  EXPECT_FALSE(w.plan.finished);
}

TEST(PlanRun, ParallelismLimitsTheStepsThatHavePods) {
  RunWorld w("parallelism: 2\nsteps:\n" + Step("a") + Step("b") + Step("c"));
  w.Settle();
  EXPECT_EQ(w.created.size(), 2u);
  EXPECT_EQ(w.Status("c").reason, "Parallelism");
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.created.size(), 3u);
}

TEST(PlanRun, CreatesAtMost50PodsAnActAndComesBackAtOnce) {
  std::string spec = "steps:\n";
  for (int i = 0; i < 60; ++i) spec += Step("s" + std::to_string(i), "cache: {enabled: false}");
  RunWorld w(spec);
  EXPECT_EQ(CountOf<CreatePod>(w.Step()), 50);
  EXPECT_EQ(w.plan.requeue_after, 0ms);
  EXPECT_EQ(CountOf<CreatePod>(w.Step()), 10);
}

TEST(PlanRun, ASuspendedRunStartsNothingAndLetsRunningStepsGoOn) {
  RunWorld w(kChain);
  w.Settle();
  w.Run(w.Pod("a"));
  w.o.run.spec.suspend = true;
  w.Settle();
  EXPECT_EQ(w.Is("Reconciling"), "False Suspended");
  EXPECT_TRUE(w.deleted.empty());
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "Suspended");
  w.o.run.spec.suspend = false;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
}

TEST(PlanRun, StopEndsRunningStepsWithGraceAndStartsNoMore) {
  RunWorld w(kChain + Step("c"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.Succeed(w.Pod("c"));
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Step();
  ASSERT_EQ(CountOf<DeletePod>(w.plan), 1);
  EXPECT_THAT(w.plan.actions,
              Contains(VariantWith<DeletePod>(Field(&DeletePod::grace_seconds, 30))));
  EXPECT_EQ(w.Status("b").phase, api::StepPhase::kCancelled);
  w.Pod("a").deleting = true;
  EXPECT_EQ(CountOf<DeletePod>(w.Step()), 0);
  EXPECT_FALSE(w.plan.finished);
  w.End(w.Pod("a"), Message(TaskOutcome::kCancelled));
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
  EXPECT_EQ(w.Is("Stalled"), "False Cancelled");
  EXPECT_EQ(w.Status("c").phase, api::StepPhase::kSucceeded);
}

TEST(PlanRun, NowDeletesWithoutGrace) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Step();
  EXPECT_EQ(std::get<DeletePod>(w.plan.actions.at(0)).grace_seconds, 0);
  w.Drop("a");
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kCancelled);
}

TEST(PlanRun, ARunThatWasNeverResolvedCanBeCancelled) {
  RunWorld w(kChain);
  w.o.resolved = nullptr;
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Finished"), "True Cancelled");
}

TEST(PlanRun, ARunWhoseRevisionIsGoneKeepsWhatItsStatusSays) {
  RunWorld w(kChain + Step("c"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.Succeed(w.Pod("c"));
  w.Settle();
  const auto before = w.plan.status;
  w.o.resolved = nullptr;
  w.o.spec_errors = {{"status.revision", "it was deleted"}};
  w.Step();
  EXPECT_EQ(w.Is("Stalled"), "True InvalidSpec");
  EXPECT_TRUE(w.plan.actions.empty());
  EXPECT_EQ(api::Encode(w.plan.status)["steps"], api::Encode(before)["steps"]);
  EXPECT_EQ(w.plan.status.summary.running, 1);
}

TEST(PlanRun, ARunWhoseRevisionIsGoneEndsItsPodsWhenItIsCancelled) {
  RunWorld w(kChain + Step("c"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.Succeed(w.Pod("c"));
  w.Settle();
  w.o.resolved = nullptr;
  w.o.spec_errors = {{"status.revision", "it was deleted"}};
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Step();
  EXPECT_THAT(w.plan.actions,
              ElementsAre(VariantWith<DeletePod>(Field(&DeletePod::name, w.Pod("a").name))));
  EXPECT_FALSE(w.plan.finished);
  EXPECT_EQ(w.Is("Reconciling"), "True Cancelling");
  w.Pod("a").deleting = true;
  EXPECT_TRUE(w.Step().actions.empty());
  EXPECT_FALSE(w.plan.finished) << "its pod goes on";
  w.Drop("a");
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("it was deleted"));
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kCancelled);
  EXPECT_EQ(w.Status("c").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.plan.status.summary.running, 0);
}

TEST(PlanRun, DependsOnOutcomesDecideWhoRuns) {
  RunWorld w("steps:\n" + Step("a") + Step("good", "dependsOn: [{step: a}]") +
             Step("bad", "dependsOn: [{step: a, outcome: Failed}]") +
             Step("any", "dependsOn: [{step: good, outcome: Any}]"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("good").phase, api::StepPhase::kSkipped);
  EXPECT_THAT(w.created, UnorderedElementsAre("a/1", "bad/1", "any/1"));
}

TEST(PlanRun, AnOutputThatIsAbsentSkipsWhatNeedsItAndTheRunStillSucceeds) {
  RunWorld w(kChain + "outputs: {model: $(steps.a.outputs.o)}\n");
  w.Settle();
  PodFact& pod = w.Pod("a");
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.receipt = w.ReceiptOf(pod);
  m.receipt->outputs.clear();
  w.End(pod, m);
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "OutputAbsent");
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
  EXPECT_TRUE(w.plan.status.outputs.empty());
}

TEST(PlanRun, ARequiredOutputThatWasNotWrittenIsTheStepsFailure) {
  RunWorld w("steps:\n- {name: a, container: {image: i, command: [x]}, outputs: [{name: o}]}\n");
  w.Settle();
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.receipt = w.ReceiptOf(w.Pod("a"));
  m.receipt->outputs.clear();
  w.End(w.Pod("a"), m);
  w.Settle();
  EXPECT_EQ(w.Status("a").reason, "OutputMissing");
}

TEST(PlanRun, AResultOfTheDeclaredTypeFlowsIntoAParameter) {
  RunWorld w("steps:\n" + Step("a") +
             Step("b",
                  "parameters: {num: $(steps.a.results.r), text: \"$(run.name):$(steps.a."
                  "results.r)\"}"));
  w.Settle();
  w.Succeed(w.Pod("a"), {{"r", 42}});
  w.Settle();
  const auto task =
      ParseTask(w.objects.at(w.Pod("b").name)["metadata"]["annotations"][kAnnotationTask]);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->parameters["num"], 42);
  EXPECT_EQ(task->parameters["text"], "first:42");
}

TEST(PlanRun, AResultThatIsAbsentSkipsWhoAsksForIt) {
  RunWorld w("steps:\n" + Step("a") + Step("b", "parameters: {num: $(steps.a.results.r)}"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("b").reason, "ResultAbsent");
}

TEST(PlanRun, PublishesOutputsWithTheirDigest) {
  RunWorld w("steps:\n" + Step("a") + "outputs: {model: $(steps.a.outputs.o)}\n");
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  ASSERT_EQ(w.plan.status.outputs.size(), 1u);
  EXPECT_EQ(w.plan.status.outputs[0].digest, Digest('a'));
  EXPECT_EQ(w.plan.status.outputs[0].run, "first");
}

TEST(PlanRun, ABlessedResultBecomesACondition) {
  RunWorld w(
      "steps:\n- {name: bless, container: {image: i, command: [x]}, results: [{name: "
      "blessed, type: boolean}, {name: reason, type: string}]}\n");
  w.Settle();
  w.Succeed(w.Pod("bless"), {{"blessed", false}, {"reason", "BelowThreshold"}});
  w.Settle();
  EXPECT_EQ(w.Is("Blessed"), "False BelowThreshold");
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

// --- cache

TEST(PlanRun, AStatusStaysSmallWhateverItsTextsAreMadeOf) {
  std::string spec = "steps:\n";
  for (int i = 0; i < 300; ++i) spec += Step("s" + std::to_string(i), "cache: {enabled: false}");
  RunWorld w(spec);
  while (w.created.size() < 300) w.Step();
  for (auto& pod : w.o.pods) w.Fail(pod, 1, std::string(1'000, '"'));  // two bytes each as JSON
  w.Settle();
  EXPECT_GT(w.plan.status.steps.size(), 50u);
  EXPECT_LT(api::Encode(w.plan.status).dump().size(), 256u * 1024);
}

TEST(PlanRun, AStatusOfManyStepsStaysSmallAndNothingRunsAgain) {
  std::string spec = "steps:\n";
  for (int i = 0; i < 600; ++i) spec += Step("s" + std::to_string(i), "cache: {enabled: false}");
  spec += Step("last", "cache: {enabled: false}, dependsOn: [{step: s0}, {step: s599}]");
  RunWorld w(spec);
  while (w.created.size() < 600) w.Step();
  for (auto& pod : w.o.pods) w.Succeed(pod);
  w.Settle();
  EXPECT_EQ(w.created.size(), 601u);
  EXPECT_LE(w.plan.status.steps.size(), 500u);
  EXPECT_LT(api::Encode(w.plan.status).dump().size(), 256u * 1024);
  EXPECT_EQ(w.plan.status.summary.succeeded, 600);
  std::erase_if(w.o.pods, [](const auto& p) { return p.step != "last"; });
  w.Settle();
  EXPECT_EQ(w.created.size(), 601u);
  EXPECT_EQ(w.plan.status.summary.succeeded, 600);
  w.Succeed(w.Pod("last"));
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
}

// Who lists runs by them needs them while the run goes on, too.
TEST(RunPlan, PutsTheLabelsOfThePipelineOnTheRunAndLeavesThoseThatStandThere) {
  RunWorld w(
      "parameters: [{name: town, default: Ulm}]\nrunLabels: {town: $(parameters.town), team: "
      "data}\n" +
      kChain);
  w.o.run.meta.labels["team"] = "mine";
  w.Settle();
  ASSERT_EQ(CountOf<PutRunLabels>(w.plan), 1);
  for (const auto& action : w.plan.actions) {
    const auto* put = std::get_if<PutRunLabels>(&action);
    if (put == nullptr) continue;
    EXPECT_EQ(put->labels, (std::map<std::string, std::string>{{"town", "Ulm"}}));
  }
  w.o.run.meta.labels["town"] = "Ulm";
  w.Settle();
  EXPECT_EQ(CountOf<PutRunLabels>(w.plan), 0);
}

}  // namespace
}  // namespace penstock::plan
