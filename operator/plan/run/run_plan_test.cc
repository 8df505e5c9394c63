#include "operator/plan/run/run_plan.h"

#include <gmock/gmock.h>

#include "operator/plan/run/pod_spec.h"
#include "operator/plan/run/testing/run_world.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using ::testing::VariantWith;

std::string Step(const std::string& name, const std::string& rest = "") {
  return "- {name: " + name + ", container: {image: \"" + kPinned + "\", command: [run, " + name +
         "]}, outputs: [{name: o, type: dataset, optional: true}], results: [{name: r, type: "
         "integer}]" +
         (rest.empty() ? "" : ", " + rest) + "}\n";
}
std::string After(const std::string& step) {
  return "inputs: {i: $(steps." + step + ".outputs.o)}";
}
const std::string kChain = "steps:\n" + Step("a") + Step("b", After("a"));

template <typename T>
int CountOf(const RunPlan& plan) {
  int n = 0;
  for (const auto& a : plan.actions) n += std::holds_alternative<T>(a) ? 1 : 0;
  return n;
}

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

TEST(PlanRun, AFailureNamesStepCodeAndThatItIsNotTriedAgainInTheSameReconcile) {
  RunWorld w(kChain);
  w.Settle();
  w.Fail(w.Pod("a"), 3, "no such column");
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_TRUE(w.plan.urgent_status);
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
  EXPECT_EQ(w.Is("Stalled"), "True StepFailed");
  EXPECT_THAT(w.Says("Succeeded"),
              AllOf(HasSubstr("step a (ExitCode): exit code 3: no such column"),
                    HasSubstr("it is not tried again (no retry left of 0")));
  EXPECT_EQ(w.Status("b").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w.Status("b").reason, "DependencyFailed");
}

TEST(PlanRun, StepsThatDoNotDependOnAFailureGoOn) {
  RunWorld w("steps:\n" + Step("a") + Step("b") + Step("c", After("b")));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Run(w.Pod("b"));
  w.Settle();
  EXPECT_FALSE(w.plan.finished);
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("step a (ExitCode)"));
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "c/1"));
  w.Succeed(w.Pod("c"));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
}

TEST(PlanRun, RetriesAnEvictedPodWithoutSpendingTheUsersBudget) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 1}}"));
  w.Settle();
  PodFact& pod = w.Pod("a");
  w.End(pod, Message(TaskOutcome::kCancelled, 143));
  pod.disrupted = true;
  w.Settle();
  EXPECT_EQ(w.plan.requeue_after, 1000ms);
  EXPECT_EQ(w.Status("a").retry_at, kNoon + 1s);
  w.now += 1s;
  w.Settle();
  ASSERT_THAT(w.created, ElementsAre("a/1", "a/2"));
  EXPECT_EQ(w.Pod("a", 2).spent.infrastructure, 1);
  EXPECT_EQ(w.Pod("a", 2).spent.user, 0);
}

TEST(PlanRun, ARetryWaitsOutItsBackOffToTheMillisecondItNames) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 3, backoff: 10s}}"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.now += 4s;
  w.Step();
  EXPECT_EQ(w.plan.requeue_after, 6000ms);
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("retry 1 of 3"));
  EXPECT_EQ(w.plan.events.back().reason, "StepRetried");
  w.now += 5999ms;
  EXPECT_EQ(CountOf<CreatePod>(w.Step()), 0);
  EXPECT_TRUE(w.plan.events.empty());
  w.now += 1ms;
  EXPECT_EQ(CountOf<CreatePod>(w.Settle()), 1);
}

TEST(PlanRun, EveryClassOfFailureSpendsItsOwnBudget) {
  const auto reason_after = [](const std::function<void(RunWorld&, PodFact&)>& end) {
    RunWorld w("steps:\n" + Step("a", "retry: {infrastructure: {limit: 0}}"));
    w.Settle();
    end(w, w.Pod("a"));
    w.Settle();
    return w.Status("a").reason + " " +
           w.Status("a").message.substr(w.Status("a").message.rfind("for ") + 4);
  };
  EXPECT_EQ(reason_after([](RunWorld& w, PodFact& p) {
              p.oom_killed = true;
              p.phase = PodPhase::kFailed;
              p.exit_code = 137;
              p.finished = w.now;
            }),
            "OutOfMemory out of memory)");
  EXPECT_EQ(reason_after([](RunWorld& w, PodFact& p) {
              auto m = Message(TaskOutcome::kFailed, 137);
              m.oom_killed = true;
              w.End(p, m);
            }),
            "OutOfMemory out of memory)");
  EXPECT_EQ(
      reason_after([](RunWorld& w, PodFact& p) { w.End(p, Message(TaskOutcome::kTimedOut)); }),
      "TimedOut time-out)");
  EXPECT_EQ(reason_after([](RunWorld& w, PodFact& p) {
              w.End(p, Message(TaskOutcome::kInfrastructure, 0, "store is down"));
            }),
            "LauncherFailed infrastructure)");
  EXPECT_EQ(reason_after([](RunWorld&, PodFact& p) {  // SIGKILL alone proves no lack of memory
              p.phase = PodPhase::kFailed;
              p.exit_code = 137;
            }),
            "Killed infrastructure)");
  EXPECT_EQ(reason_after([](RunWorld&, PodFact& p) {
              p.phase = PodPhase::kFailed;
              p.pod_reason = "UnexpectedAdmissionError";
            }),
            "UnexpectedAdmissionError infrastructure)");
  EXPECT_EQ(reason_after([](RunWorld&, PodFact& p) {
              p.phase = PodPhase::kSucceeded;
              p.exit_code = 0;
            }),
            "NoMessage infrastructure)");
  EXPECT_EQ(reason_after([](RunWorld&, PodFact& p) {
              p.phase = PodPhase::kSucceeded;
              p.exit_code = 0;
              p.termination_message = R"({"protocol":2,"outcome":"Succeeded"})";
            }),
            "BadMessage infrastructure)");
  EXPECT_EQ(reason_after([](RunWorld&, PodFact& p) {
              p.phase = PodPhase::kFailed;
              p.exit_code = 128;
              p.terminated_reason = "StartError";
            }),
            "StartError the step's own failure)");
}

TEST(PlanRun, ATaskThatCannotBeCarriedOutIsNotTriedAgain) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 5}}"));
  w.Settle();
  w.End(w.Pod("a"), Message(TaskOutcome::kInvalid, 0, "no program 'run'"));
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w.Status("a").message, HasSubstr("it would end the same way"));
}

TEST(PlanRun, HostileMessagesBecomeOneShortLine) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Fail(w.Pod("a"), 1, "x\n\x1b[31m" + std::string(3000, 'y'));
  w.Settle();
  EXPECT_LE(w.Status("a").message.size(), 1200u);
  EXPECT_EQ(w.Status("a").message.find('\x1b'), std::string::npos);
  EXPECT_EQ(w.Status("a").message.find('\n'), std::string::npos);
}

TEST(PlanRun, AReceiptOfAnotherAttemptIsNoProof) {
  RunWorld w("steps:\n" + Step("a", "retry: {infrastructure: {limit: 0}}"));
  w.Settle();
  PodFact& pod = w.Pod("a");
  w.Succeed(pod);
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.receipt = w.ReceiptOf(pod);
  m.receipt->run_uid = "another";
  w.End(pod, m);
  w.Settle();
  EXPECT_EQ(w.Status("a").reason, "NoReceipt");
}

TEST(PlanRun, ASuccessWithoutAReceiptInItsMessageReadsTheStore) {
  RunWorld w(kChain);
  w.Settle();
  PodFact& pod = w.Pod("a");
  w.End(pod, Message(TaskOutcome::kSucceeded));
  EXPECT_THAT(w.Step().requests.receipts, ElementsAre(pod.name));
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kRunning);
  w.o.receipts[pod.name] = {w.ReceiptOf(pod)};
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.Status("a").outputs[0].digest, Digest('a'));
}

TEST(PlanRun, AVanishedPodIsLostOnlyAfterALiveGetAndWithoutAReceipt) {
  RunWorld w(kChain);
  w.Settle();
  w.Run(w.Pod("a"));
  w.Step();
  const PodFact pod = w.Pod("a");
  w.Drop("a");
  EXPECT_THAT(w.Step().requests.live_pods, ElementsAre(pod.name));
  EXPECT_TRUE(w.plan.actions.empty());
  w.o.pod_gone[pod.name] = false;
  EXPECT_TRUE(w.Step().actions.empty());
  EXPECT_EQ(w.plan.requeue_after, 2000ms);
  w.o.pod_gone[pod.name] = true;
  EXPECT_THAT(w.Step().requests.receipts, ElementsAre(pod.name));
  auto lost = w;
  lost.o.receipts[pod.name] = {};
  lost.Step();
  EXPECT_EQ(lost.Status("a").reason, "PodVanished");
  lost.now += 2s;
  lost.Settle();
  EXPECT_THAT(lost.created, ElementsAre("a/1", "a/2"));
  EXPECT_EQ(lost.Pod("a", 2).spent.infrastructure, 1);
  w.o.receipts[pod.name] = {w.ReceiptOf(pod)};
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
}

TEST(PlanRun, ASucceededStepDoesNotRunAgainWhenItsPodIsGone) {
  RunWorld w(kChain);
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Drop("a");
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
}

TEST(PlanRun, APodKnowsMoreThanAnOlderStatus) {
  RunWorld w(kChain);
  w.Settle();
  const auto old = w.o.run.status;
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.o.run.status = old;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  w.o.run.status = {};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
}

TEST(PlanRun, APodThatCannotStartIsWaitingAndSaysWhy) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Pod("a").waiting_reason = "Unschedulable";
  w.Pod("a").waiting_message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.";
  w.now += 10s;
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("a").reason, "Unschedulable");
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("Insufficient nvidia.com/gpu"));
  EXPECT_EQ(w.plan.events.back().reason, "Unschedulable");
  EXPECT_EQ(w.plan.requeue_after, 590'000ms);
  EXPECT_TRUE(w.Step().events.empty());
}

TEST(PlanRun, ThePendingTimeoutEndsAStepThatCannotStartAndThenItsPod) {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 30s}"));
  w.Settle();
  w.Pod("a").waiting_reason = "ImagePullBackOff";
  w.Pod("a").waiting_message = "no such image";
  w.now += 30s;
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("a").reason, "ImagePullBackOff");
  EXPECT_THAT(w.Status("a").message, HasSubstr("did not start within 30s: no such image"));
  EXPECT_TRUE(w.deleted.empty());  // first the status says so
  EXPECT_FALSE(w.plan.finished);   // and the run does not end before the pod
  EXPECT_EQ(w.plan.requeue_after, 100ms);
  w.Step();
  EXPECT_THAT(w.deleted, ElementsAre(w.Pod("a").name));
  EXPECT_FALSE(w.plan.finished);
  w.Drop("a");
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
}

TEST(PlanRun, ARefusedCreationIsWaitingForQuota) {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 1m}"));
  Error& refusal = w.o.create_errors[PodName("first", "uid-1", "a", 1)];
  refusal = Invalid("exceeded quota: compute");
  refusal.kind = ErrorKind::kQuota;
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("a").reason, "QuotaExceeded");
  EXPECT_EQ(w.plan.requeue_after, 5000ms);
  w.o.pods.clear();
  w.now += 60s;
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("a").reason, "QuotaExceeded");
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

TEST(PlanRun, AHitSucceedsWithoutAPod) {
  RunWorld w(kChain);
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 1u);
  EXPECT_TRUE(w.plan.actions.empty());
  Receipt hit;
  hit.outputs = {{"o", "dataset", {Digest('b'), true, 3}}};
  w.o.cache[w.plan.requests.cache_keys[0]] = {hit, ""};
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_TRUE(w.Status("a").cached);
  EXPECT_EQ(w.plan.status.summary.cached, 1);
  EXPECT_TRUE(w.created.empty());
  EXPECT_EQ(w.plan.requests.cache_keys.size(), 1u);  // b's
}

TEST(PlanRun, ASuccessIsRecordedOnceUnderTheKeyItsPodCarries) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  const std::string key = w.Pod("a").cache_key;
  EXPECT_EQ(key.size(), 64u);
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Settle();
  EXPECT_THAT(w.recorded, ElementsAre(key));
}

// A step that judges by what its own Pipeline (the fixture's "p") published last, a model of digest
// `published`.
RunWorld Judging(char published) {
  Surroundings around;
  around.pipeline_output = [published](const std::string&, const std::string&) {
    return api::PublishedOutput{"model", "dataset", Digest(published), false, 7, "before"};
  };
  return RunWorld("steps:\n" + Step("judge", "inputs: {baseline: $(pipelines.p.outputs.model)}"),
                  {}, around);
}

TEST(PlanRun, WhatAStepPublishedIsNoReasonToRunItAgain) {
  RunWorld first = Judging('z');
  first.Settle();
  const PodFact pod = first.Pod("judge");
  EXPECT_EQ(pod.settled_key.size(), 64u);
  first.Succeed(first.Pod("judge"));
  first.Settle();
  EXPECT_THAT(first.recorded, ElementsAre(pod.cache_key, pod.settled_key));

  RunWorld second = Judging('a');  // the digest of what the first run's step made
  second.Step();
  EXPECT_THAT(second.plan.requests.cache_keys, Contains(pod.settled_key));
  second.o.cache[pod.settled_key] = {first.ReceiptOf(pod), ""};
  second.Settle();
  EXPECT_TRUE(second.Status("judge").cached);
  EXPECT_TRUE(second.created.empty());
}

TEST(PlanRun, WhatAnotherRunPublishedSinceIsAReasonToRunItAgain) {
  RunWorld w = Judging('c');
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 2u);
  Receipt before;
  before.outputs = {{"o", "dataset", {Digest('a'), false, 7}}};
  w.o.cache[w.plan.requests.cache_keys[0]] = {before, ""};  // the settled key
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("judge/1"));
}

TEST(PlanRun, ASourceThatChangedIsRecordedAsWhatWasRead) {
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}"));
  w.Step();
  EXPECT_THAT(w.plan.requests.fingerprints, ElementsAre("https://h/x"));
  w.o.fingerprints["https://h/x"] = {"etag:1", ""};
  w.Settle();
  PodFact& pod = w.Pod("a");
  const std::string asked = pod.cache_key;
  w.EndHavingRead(pod, {{"u", "etag:2"}});
  ASSERT_EQ(w.recorded.size(), 1u);
  EXPECT_NE(w.recorded[0], asked);

  RunWorld next("steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}"));
  next.o.fingerprints["https://h/x"] = {"etag:2", ""};
  next.Step();
  EXPECT_EQ(next.plan.requests.cache_keys, w.recorded);
}

TEST(PlanRun, ASourceThatWasSilentAtTheStartIsRecordedOnceItIsRead) {
  const std::string steps = "steps:\n" + Step("a", "inputs: {u: \"https://h/x\"}");
  RunWorld w(steps);
  w.o.fingerprints["https://h/x"] = {"", "connection refused"};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("a").cache_miss, "NoFingerprint");
  w.EndHavingRead(w.Pod("a"), {{"u", "etag:1"}});
  ASSERT_EQ(w.recorded.size(), 1u);
  EXPECT_EQ(w.Status("a").cache_key, w.recorded[0]);

  RunWorld next(steps);
  next.o.fingerprints["https://h/x"] = {"etag:1", ""};
  next.Step();
  EXPECT_EQ(next.plan.requests.cache_keys, w.recorded);
}

TEST(PlanRun, ASourceWithoutAFingerprintRunsAndIsNotRecorded) {
  RunWorld w("steps:\n" + Step("a", "inputs: {u: \"file:///x\"}"));
  w.o.fingerprints["file:///x"] = {"", "not here"};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("a").cache_miss, "NoFingerprint");
  w.EndHavingRead(w.Pod("a"), {});
  EXPECT_TRUE(w.recorded.empty());
}

TEST(PlanRun, FollowsAnotherRunsPodForThePendingTimeoutOnly) {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 30s}"));
  w.Step();
  w.o.cache[w.plan.requests.cache_keys[0]] = {std::nullopt, "other/a"};
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "Following");
  EXPECT_EQ(w.plan.requeue_after, 30'000ms);
  w.now += 29s;
  w.Step();
  EXPECT_TRUE(w.created.empty());
  w.now += 1s;
  w.Step();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
}

TEST(PlanRun, ADamagedInputRunsItsProducerAgainAndThenTheConsumer) {
  RunWorld w(kChain);
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.now += 5s;
  auto m = Message(TaskOutcome::kInfrastructure, 0, "input i is damaged");
  m.damaged = Digest('a');
  w.End(w.Pod("b"), m);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/2"));
  w.now += 5s;
  w.Settle();
  EXPECT_EQ(w.created.size(), 3u);
  w.Succeed(w.Pod("a", 2));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/2", "b/2"));
  w.Succeed(w.Pod("b", 2));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

// --- the size of the status

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

}  // namespace
}  // namespace penstock::plan
