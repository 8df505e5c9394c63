// What a run's plan makes of attempts that end, vanish or cannot start.
#include <gmock/gmock.h>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST(PlanRun, AStartingStepWhosePodIsLookedForIsInNoTrouble) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Step();
  ASSERT_EQ(w.Status("a").reason, "Starting");
  w.o.pods.clear();
  w.Step();
  EXPECT_EQ(w.plan.requests.live_pods.size(), 1U);
  EXPECT_EQ(w.plan.status.trouble, "");
  EXPECT_EQ(w.Is("Reconciling"), "True Progressing");
  EXPECT_TRUE(w.plan.events.empty());
}

TEST(PlanRun, AReceiptThatTheStoreCannotGiveIsSaid) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Pod("a").termination_message.clear();
  w.o.store_trouble[w.Pod("a").name] = "the volume is not mounted";
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "StoreUnavailable");
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("the volume is not mounted; it is tried again; "));
  EXPECT_EQ(w.plan.status.trouble, "a: StoreUnavailable");
}

// --- deletions

// The pod of a step that did not start in time, about to be deleted.
RunWorld LeftoverWorld() {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 30s}"));
  w.Settle();
  w.Pod("a").waiting_reason = "ImagePullBackOff";
  w.now += 30s;
  w.Step();
  w.Step();
  EXPECT_EQ(w.deleted.size(), 1U);
  return w;
}

TEST(PlanRun, ADeleteIsSentOnceAPause) {
  RunWorld w = LeftoverWorld();
  w.o.deletes[w.Pod("a").uid] = {std::nullopt, w.now + 8s, 0};
  for (int i = 0; i < 3; ++i) w.Step();
  EXPECT_EQ(w.deleted.size(), 1U);
  EXPECT_EQ(w.plan.requeue_after, 8000ms);
  EXPECT_FALSE(w.plan.finished);
  w.now += 8s;
  w.Step();
  EXPECT_EQ(w.deleted.size(), 2U);
}

TEST(PlanRun, ADeleteThatIsRefusedIsToldOnceAsAnEventAndAllTheTimeAsACondition) {
  RunWorld w = LeftoverWorld();
  w.o.deletes[w.Pod("a").uid] = {Error{ErrorKind::kForbidden, "denied by policy"}, w.now + 8s, 0};
  w.Step();
  EXPECT_EQ(w.Is("Reconciling"), "True Forbidden");
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("step a: Pod " + w.Pod("a").name +
                                               " could not be deleted: denied by policy; it is "
                                               "tried again; step a (ImagePullBackOff)"));
  ASSERT_EQ(w.plan.events.size(), 1U);
  EXPECT_EQ(w.plan.events[0].reason, "Forbidden");
  w.Step();
  EXPECT_EQ(w.Is("Reconciling"), "True Forbidden");
  EXPECT_TRUE(w.plan.events.empty());
}

TEST(PlanRun, ADeleteThatIsRefusedIsToldOnceAlsoWhileTheRunIsSuspended) {
  RunWorld w = LeftoverWorld();
  w.o.deletes[w.Pod("a").uid] = {Error{ErrorKind::kForbidden, "denied by policy"}, w.now + 8s, 0};
  w.o.run.spec.suspend = true;
  w.Step();
  EXPECT_EQ(w.Is("Reconciling"), "False Forbidden");
  EXPECT_EQ(w.Is("Ready"), "False Suspended");
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("could not be deleted: denied by policy"));
  EXPECT_EQ(w.plan.events.size(), 1U);
  w.Step();
  EXPECT_TRUE(w.plan.events.empty());
}

TEST(PlanRun, EndingAtOnceDoesNotWaitForTheGraceOfAGentlerEnd) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Step();
  ASSERT_EQ(w.deleted.size(), 1U);
  w.o.deletes[w.Pod("a").uid] = {std::nullopt, w.now + 30s, 30};
  w.Step();
  EXPECT_EQ(w.deleted.size(), 1U);
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Step();
  EXPECT_EQ(w.deleted.size(), 2U);
  w.o.deletes[w.Pod("a").uid] = {Error{ErrorKind::kWebhook, "no answer"}, w.now + 30s, 0};
  w.Step();
  EXPECT_EQ(w.deleted.size(), 2U);
  EXPECT_EQ(w.Status("a").reason, "WebhookFailed");
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
  w.o.create_errors[PodName("first", "uid-1", "a", 1)] = {
      {ErrorKind::kQuota, "exceeded quota: compute"}, w.now};
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

}  // namespace
}  // namespace penstock::plan
