// Steps that are Pipelines: their runs are made, followed, ended and tried again.
#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/plan/step/child_fact.h"
#include "operator/plan/step/child_plan.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Surroundings AroundOne() {
  Surroundings around;
  around.pipeline = [](const std::string& name, bool) {
    auto one = std::make_shared<api::Pipeline>();
    one->meta.name = name;
    one->spec = Spec(
        "parameters: [{name: times, type: integer}]\n"
        "inputs: [{name: rows, type: dataset}]\n"
        "steps:\n- {name: a, container: {image: i, command: [run, $(parameters.times), "
        "$(inputs.i.path)]}, inputs: {i: $(inputs.rows)}, outputs: [{name: m, type: model}]}\n"
        "outputs: {model: $(steps.a.outputs.m)}");
    return one;
  };
  return around;
}

std::string Calling(const std::string& more = "") {
  return "steps:\n" + Step("a") +
         "- {name: call, pipeline: {name: one}, inputs: {rows: $(steps.a.outputs.o)}, parameters: "
         "{times: $(steps.a.results.r)}" +
         more + "}\n" + Step("c", "inputs: {i: $(steps.call.outputs.model)}") +
         "outputs: {best: $(steps.call.outputs.model)}\n";
}

// Until its run is made.
struct World : RunWorld {
  explicit World(const std::string& more = "") : RunWorld(Calling(more), {}, AroundOne()) {
    Settle();
    Succeed(Pod("a"), {{"r", 7}});
    Settle();
  }
  // The run of the step is taken up.
  ChildFact& Started(int attempt = 1) {
    ChildFact& child = Child("call", attempt);
    child.started = now;
    Step();
    return Child("call", attempt);
  }
};

TEST(ChildRuns, AreNotThoseOfAKindOfThatNameInAnotherGroup) {
  api::ObjectMeta run;
  const auto owned_by = [&](const std::string& version) {
    run.owners = {{version, "PipelineRun", "first", "uid-1", true}};
    return ParentOf(run) != nullptr;
  };
  EXPECT_TRUE(owned_by("penstock.dev/v1alpha1"));
  EXPECT_TRUE(owned_by("penstock.dev/v1"));
  EXPECT_FALSE(owned_by("tekton.dev/v1"));
  EXPECT_FALSE(owned_by("penstock.dev.example.com/v1"));
  EXPECT_FALSE(owned_by("v1"));
}

TEST(ChildRuns, ThatAreSuspendedFromAboveLookAgainThoughNobodyWakesThem) {
  RunWorld w("steps:\n" + Step("a"));
  w.o.family.suspended_by = "top";
  const RunPlan plan = w.Step();
  EXPECT_TRUE(plan.actions.empty());
  ASSERT_TRUE(plan.requeue_after);
  EXPECT_LE(*plan.requeue_after, Milliseconds{30'000});
  EXPECT_GT(*plan.requeue_after, Milliseconds{0});
}

TEST(ChildRuns, AreMadeOfWhatTheStepIsGivenAndOwnedByTheRun) {
  World w;
  EXPECT_THAT(w.created, ElementsAre("a/1", "call/1"));
  const ChildFact& child = w.Child("call");
  EXPECT_EQ(child.name, PodName("first", "uid-1", "call", 1));
  const auto run = api::DecodePipelineRun(w.objects.at(child.name)).value;
  EXPECT_EQ(run.spec.pipeline_ref, "one");
  EXPECT_EQ(run.spec.parameters.at("times"), Json(7));
  EXPECT_EQ(run.spec.inputs.at("rows"), Digest('a'));
  EXPECT_FALSE(run.spec.publish);
  ASSERT_NE(ParentOf(run.meta), nullptr);
  EXPECT_EQ(ParentOf(run.meta)->uid, "uid-1");
  EXPECT_EQ(run.meta.labels.at("penstock.dev/parent-uid"), "uid-1");
  EXPECT_EQ(run.meta.labels.at("penstock.dev/root-uid"), "uid-1");
  const std::string name = child.name;
  w.Step();
  EXPECT_EQ(w.Status("call").run, name);
  EXPECT_EQ(w.Status("call").pod, "");
}

TEST(ChildRuns, AreFollowedFromPendingToTheEndAndGiveTheirOutputs) {
  World w;
  w.Step();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kPending);
  w.Started();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kRunning);
  w.End(w.Child("call"), RunOutcome::kSucceeded);
  w.Child("call").outputs = {{"model", "model", Digest('m'), true, 70, "x", {}}};
  w.Child("call").results = {{"auc", 0.9}};
  w.Settle();
  EXPECT_EQ(w.Status("call").results.at("auc"), Json(0.9));
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kSucceeded);
  ASSERT_EQ(w.Status("call").outputs.size(), 1U);
  EXPECT_EQ(w.Status("call").outputs[0].digest, Digest('m'));
  EXPECT_THAT(w.created, ElementsAre("a/1", "call/1", "c/1"));
  ASSERT_EQ(w.plan.status.outputs.size(), 1U);
  EXPECT_EQ(w.plan.status.outputs[0].digest, Digest('m'));
}

TEST(ChildRuns, AreNotMadeTwiceWhateverTheStatusHasForgotten) {
  World w;
  w.Started();
  w.o.run.status = {};
  w.Step();
  EXPECT_EQ(CountOf<CreateChild>(w.plan), 0);
  EXPECT_EQ(w.Status("call").attempts, 1);
}

TEST(ChildRuns, ThatGiveNoOutputSkipWhatTakesIt) {
  World w;
  w.End(w.Child("call"), RunOutcome::kSucceeded);
  w.Settle();
  EXPECT_EQ(w.Status("c").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w.Status("c").reason, "OutputAbsent");
}

TEST(ChildRuns, ThatFailFailTheStepWithTheirTrouble) {
  World w;
  w.Started();
  w.End(w.Child("call"), RunOutcome::kFailed, "step a (OutOfMemory): out of memory");
  w.Settle();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("call").reason, "RunFailed");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("step a (OutOfMemory): out of memory"));
  EXPECT_TRUE(w.plan.finished);
}

TEST(ChildRuns, ThatFailGiveTheResultsThatTheyHave) {
  World w;
  w.Started();
  w.End(w.Child("call"), RunOutcome::kFailed, "step a: boom");
  w.Child("call").results = {{"rows", 3}};
  w.Settle();
  EXPECT_EQ(w.Status("call").results.at("rows"), Json(3));
}

TEST(ChildRuns, AreTriedAgainWithinTheUsersBudgetAsOtherRuns) {
  World w(", retry: {user: {limit: 1, backoff: 10s}}");
  w.Started();
  w.End(w.Child("call"), RunOutcome::kFailed, "step a: boom");
  w.Step();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kPending);
  ASSERT_TRUE(w.Status("call").retry_at);
  EXPECT_EQ(CountOf<CreateChild>(w.plan), 0);
  w.now += 10s;
  w.Step();
  EXPECT_THAT(w.created, ElementsAre("a/1", "call/1", "call/2"));
  EXPECT_EQ(w.Child("call", 2).spent.user, 1);
  w.Started(2);
  w.End(w.Child("call", 2), RunOutcome::kFailed, "step a: boom");
  w.Settle();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("call").attempts, 2);
}

TEST(ChildRuns, OfASpecThatIsWrongAreNotTriedAgain) {
  World w(", retry: {user: {limit: 3}}");
  w.End(w.Child("call"), RunOutcome::kFailed, "spec.parameters.times: is required");
  w.Child("call").reason = "InvalidSpec";
  w.Settle();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("call").attempts, 1);
}

TEST(ChildRuns, ThatSomebodyDeletedAreMadeAnewOnceTheApiServerSaysSo) {
  World w;
  w.Started();
  w.o.children.clear();
  w.Step();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kRunning);
  ASSERT_EQ(w.plan.requests.live_runs.size(), 1U);
  w.o.run_gone[w.plan.requests.live_runs[0]] = false;
  w.Step();
  EXPECT_EQ(CountOf<CreateChild>(w.plan), 0);
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(2'000));
  w.o.run_gone[w.plan.requests.live_runs[0]] = true;
  w.Step();
  w.now += 2s;
  w.Step();
  EXPECT_THAT(w.created, ElementsAre("a/1", "call/1", "call/2"));
  EXPECT_EQ(w.Child("call", 2).spent.infrastructure, 1);
}

TEST(ChildRuns, AreCancelledWithTheRunInItsWayAndHoldItUntilTheyHaveEnded) {
  World w;
  w.Started();
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Step();
  EXPECT_EQ(w.Child("call").cancel, api::CancelMode::kStop);
  EXPECT_FALSE(w.plan.finished);
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Step();
  EXPECT_EQ(w.Child("call").cancel, api::CancelMode::kNow);
  w.Step();
  EXPECT_EQ(CountOf<CancelChild>(w.plan), 0);
  w.End(w.Child("call"), RunOutcome::kCancelled);
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False Cancelled");
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kCancelled);
}

TEST(ChildRuns, ThatSomebodyCancelledCancelTheirStepAndAreNotTriedAgain) {
  World w(", retry: {user: {limit: 3}}");
  w.Started();
  w.End(w.Child("call"), RunOutcome::kCancelled);
  w.Settle();
  EXPECT_EQ(w.Status("call").reason, "RunCancelled");
  EXPECT_EQ(w.Status("call").attempts, 1);
}

TEST(ChildRuns, AreEndedAfterTimeoutsAttemptWhichIsAFailureOfItsOwnClass) {
  World w(", timeouts: {attempt: 1h}, retry: {timeout: {limit: 1}}");
  w.Started();
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(3'600'000));
  w.now += 1h;
  w.Step();
  EXPECT_EQ(w.Child("call").cancel, api::CancelMode::kStop);
  EXPECT_EQ(w.Status("call").reason, "TimedOut");
  w.End(w.Child("call"), RunOutcome::kCancelled);
  w.Step();
  w.now += 1s;
  w.Step();
  EXPECT_THAT(w.created, ElementsAre("a/1", "call/1", "call/2"));
  EXPECT_EQ(w.Child("call", 2).spent.timeout, 1);
}

TEST(ChildRuns, ThatCannotBeResolvedKeepTheStepPendingAndFailItInTheEnd) {
  World w;
  w.Child("call").reason = "InvalidSpec";
  w.Child("call").message = "there is no Pipeline one";
  w.Step();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("call").reason, "InvalidSpec");
  EXPECT_THAT(w.Says("Ready"), HasSubstr("there is no Pipeline one"));
  w.now += 10min;
  w.Step();
  EXPECT_EQ(w.Status("call").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Child("call").cancel, api::CancelMode::kNow);
  EXPECT_FALSE(w.plan.finished);
  w.End(w.Child("call"), RunOutcome::kCancelled);
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
}

TEST(ChildRuns, WaitWhileARunAboveThemIsSuspended) {
  RunWorld w(kChain);
  w.o.family.suspended_by = "above";
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Says("Ready"), "spec.suspend is true of the run above");
}

TEST(ChildRuns, StandTenDeepAtMost) {
  World w;
  w.o.children.clear();
  w.o.run.status = {};
  w.o.family.above = {"r", "s", "t", "u", "v", "w", "x", "y"};
  w.Step();
  EXPECT_EQ(CountOf<CreateChild>(w.plan), 1);
  w.o.children.clear();
  w.o.run.status = {};
  w.o.family.above.push_back("z");
  w.Step();
  EXPECT_EQ(CountOf<CreateChild>(w.plan), 0);
  EXPECT_EQ(w.Status("call").reason, "NestedTooDeep");
  EXPECT_THAT(w.Status("call").message,
              HasSubstr("r -> s -> t -> u -> v -> w -> x -> y -> z -> p"));
}

TEST(ChildRuns, AreBoundedInNumberBelowOneRun) {
  RunWorld w(Calling(), {}, AroundOne());
  w.Settle();
  w.Succeed(w.Pod("a"), {{"r", 7}});
  w.o.family.runs = kMaxRunsWithin;
  w.Settle();
  EXPECT_EQ(w.Status("call").reason, "TooManyRuns");
}

TEST(ChildRuns, InPlaceCarryTheirSpecWithTheTypesOfTheirValues) {
  RunWorld w(
      "parameters: [{name: list, type: list, default: [1, 2]}, {name: absent, type: number, "
      "optional: "
      "true}]\n"
      "steps:\n" +
      Step("a") +
      "- name: call\n  parameters: {times: $(steps.a.results.r)}\n  inputs: {rows: "
      "$(steps.a.outputs.o)}\n"
      "  pipeline:\n    steps: [{name: x, container: {image: i, command: [run, "
      "$(parameters.times), "
      "$(parameters.list), $(parameters.absent), $(inputs.i.path)]}, inputs: {i: "
      "$(inputs.rows)}}]\n");
  w.Settle();
  w.Succeed(w.Pod("a"), {{"r", 7}});
  w.Settle();
  const auto child = api::DecodePipelineRun(w.objects.at(w.Child("call").name));
  EXPECT_EQ(api::Describe(child.errors), "");
  const api::PipelineRunSpec& spec = child.value.spec;
  ASSERT_TRUE(spec.pipeline_spec);
  const auto resolved = Resolve("", *spec.pipeline_spec, spec.parameters, {}, spec.inputs);
  ASSERT_TRUE(resolved.run) << api::Describe(resolved.errors);
  const ResolvedStep& x = *resolved.run->Find("x");
  EXPECT_EQ(x.parameters.at("times").value, Json(7));
  EXPECT_EQ(x.parameters.at("list").value, Json::parse("[1, 2]"));
  EXPECT_FALSE(x.parameters.contains("absent"));
  EXPECT_EQ(x.inputs.at(0).type, "dataset");
}

TEST(ChildRuns, TakeAPlaceUnderParallelism) {
  RunWorld w("parallelism: 1\nsteps:\n- {name: q, pipeline: {steps: [" +
             std::string("{name: x, container: {image: i, command: [run]}}]}}\n") + Step("b"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("q/1"));
  w.End(w.Child("q"), RunOutcome::kSucceeded);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("q/1", "b/1"));
}

TEST(ChildRuns, ThatTheApiServerRefusesAreToldAndAskedForAgain) {
  RunWorld w(
      "steps:\n- {name: q, pipeline: {steps: [{name: x, container: {image: i, command: "
      "[run]}}]}}\n");
  const std::string name = PodName("first", "uid-1", "q", 1);
  w.o.create_errors[name] = {Invalid("no more runs here"), kNoon, kNoon + 5s};
  w.o.create_errors[name].why.kind = ErrorKind::kQuota;
  w.Step();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_THAT(w.Status("q").message, HasSubstr("no more runs here"));
  w.now += 10min;
  w.Step();
  EXPECT_THAT(w.Status("q").message, HasSubstr("its run could not be created within 10m"));
}

}  // namespace
}  // namespace penstock::plan
