// What a run says of what goes wrong around its steps: refused creations, failures and their last
// words, containers that outlive the step's.
#include <gmock/gmock.h>

#include "operator/plan/attempt/pod_spec.h"
#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- refused creations

void Refuse(RunWorld& w, ErrorKind kind, const std::string& message, int attempt = 1) {
  w.o.create_errors.try_emplace(PodName("first", "uid-1", "a", attempt),
                                CreateRefusal{{kind, message}, w.now});
}
// As the controller does where the pod cannot be made.
void StepWithoutPod(RunWorld& w, int attempt = 1) {
  w.Settle();
  w.Drop("a", attempt);
}

TEST(PlanRunTrouble, NamesEveryRefusalOfAPodWithTheApiServersSentence) {
  const std::pair<ErrorKind, const char*> cases[] = {
      {ErrorKind::kQuota, "QuotaExceeded"},     {ErrorKind::kWebhook, "WebhookFailed"},
      {ErrorKind::kForbidden, "Forbidden"},     {ErrorKind::kInvalid, "Invalid"},
      {ErrorKind::kAlreadyExists, "NameTaken"}, {ErrorKind::kNotFound, "NotFound"},
      {ErrorKind::kTransient, "ApiServerError"}};
  for (const auto& [kind, reason] : cases) {
    RunWorld w("steps:\n" + Step("a"));
    Refuse(w, kind, "pods: the API server's sentence");
    StepWithoutPod(w);
    EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending) << reason;
    EXPECT_EQ(w.Status("a").reason, reason);
    EXPECT_EQ(w.Status("a").message, "pods: the API server's sentence");
    EXPECT_THAT(w.Says("Succeeded"),
                HasSubstr(std::string("step a (") + reason + "): pods: the API server's sentence"));
    EXPECT_LE(w.plan.requeue_after, 5000ms);
  }
}

// A run of 60 steps, of which the first 50 have just been refused for 4 s.
RunWorld RefusedWorld(ErrorKind kind) {
  std::string spec = "steps:\n";
  for (int i = 0; i < 60; ++i) spec += Step("s" + std::to_string(i), "cache: {enabled: false}");
  RunWorld w(spec);
  w.Step();
  for (const PodFact& pod : w.o.pods)
    w.o.create_errors[pod.name] = {{kind, "refused"}, w.now, w.now + 4s};
  w.o.pods.clear();
  return w;
}

TEST(PlanRunTrouble, FiftyStepsThatAQuotaRefusesAskForNoPlanBeforeTheyMayBeTriedAgain) {
  RunWorld w = RefusedWorld(ErrorKind::kQuota);
  w.Step();
  EXPECT_EQ(CountOf<CreatePod>(w.plan), 0);
  EXPECT_EQ(w.plan.held_pods.size(), 50U);
  EXPECT_EQ(w.plan.requeue_after, 4000ms) << "the next plan would be this one";
  EXPECT_EQ(w.Status("s0").reason, "QuotaExceeded");
  EXPECT_EQ(w.Status("s59").reason, "Queued") << "its timeouts.pending has not begun";
  w.now += 4s;
  w.Step();
  EXPECT_EQ(CountOf<CreatePod>(w.plan), 50);
}

TEST(PlanRunTrouble, StepsThatAreRefusedForThemselvesHoldUpNoOthers) {
  RunWorld w = RefusedWorld(ErrorKind::kForbidden);
  EXPECT_EQ(CountOf<CreatePod>(w.Step()), 10);
  EXPECT_EQ(w.Status("s0").reason, "Forbidden");
  EXPECT_EQ(w.Status("s59").reason, "Starting");
  w.Step();
  EXPECT_EQ(w.plan.requeue_after, 4000ms);
}

TEST(PlanRunTrouble, TellsARefusalAsOneEvent) {
  RunWorld w("steps:\n" + Step("a"));
  Refuse(w, ErrorKind::kQuota, "exceeded quota");
  int told = 0;
  for (int i = 0; i < 5; ++i) {
    w.Step();
    for (const auto& key : w.plan.requests.cache_keys) w.o.cache[key];
    for (const RunEvent& e : w.plan.events) told += e.reason == "QuotaExceeded" ? 1 : 0;
    w.o.pods.clear();
    w.now += 5s;
  }
  EXPECT_EQ(told, 1);
}

TEST(PlanRunTrouble, TellsARefusalOfARetryToo) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 1, backoff: 1s}}"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  w.now += 1s;
  Refuse(w, ErrorKind::kWebhook, "failed calling webhook", 2);
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "WebhookFailed");
  ASSERT_FALSE(w.plan.events.empty());
  EXPECT_EQ(w.plan.events.back().reason, "WebhookFailed");
}

TEST(PlanRunTrouble, PendingCountsFromTheFirstTryAndNotFromWhenARetryWasDue) {
  RunWorld w("steps:\n" +
             Step("a", "retry: {user: {limit: 1, backoff: 1s}}, timeouts: {pending: 1m}"));
  w.Settle();
  w.Fail(w.Pod("a"));
  w.o.run.spec.suspend = true;
  w.Settle();
  w.now += std::chrono::hours(1);
  w.o.run.spec.suspend = false;
  Refuse(w, ErrorKind::kQuota, "exceeded quota", 2);
  StepWithoutPod(w, 2);
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  w.now += 59s;
  StepWithoutPod(w, 2);
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  w.now += 1s;
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w.Status("a").message, HasSubstr("could not be created within 1m: exceeded quota"));
}

TEST(PlanRunTrouble, TheApiServersOwnTroubleEndsNoStep) {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 1m}"));
  Refuse(w, ErrorKind::kTransient, "connection refused");
  StepWithoutPod(w);
  w.now += std::chrono::hours(2);
  StepWithoutPod(w);
  EXPECT_EQ(w.Status("a").reason, "ApiServerError");
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("connection refused; it is tried again; 0 of 1"));
}

// --- failures

TEST(PlanRunTrouble, AFailedStepSaysTheChildsLastWordsInStatusConditionAndEvent) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  auto m = Message(TaskOutcome::kFailed, 1, "python exited with code 1");
  m.last_words = "Traceback ... KeyError: 'price'";
  w.End(w.Pod("a"), m);
  w.Step();
  const std::string why =
      "exit code 1: python exited with code 1; its last words: \"Traceback ... KeyError: 'price'\"";
  EXPECT_THAT(w.Status("a").message, HasSubstr(why));
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr(why));
  EXPECT_THAT(w.plan.events.front().message, HasSubstr(why));
}

TEST(PlanRunTrouble, AnEventOfManyWordsKeepsTheirEnd) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  auto m = Message(TaskOutcome::kFailed, 1, std::string(900, 'm'));
  m.last_words = std::string(kMaxLastWords - 3, 'w') + "end";
  w.End(w.Pod("a"), m);
  w.Step();
  EXPECT_THAT(w.Status("a").message, HasSubstr("end\"; it is not tried again"));
  const std::string& event = w.plan.events.front().message;
  EXPECT_LE(event.size(), 1024U);
  EXPECT_THAT(event, HasSubstr("step a: exit code 1"));
  EXPECT_THAT(event, HasSubstr("end\"; it is not tried again"));
}

TEST(PlanRunTrouble, HostileLastWordsBecomeOneShortLine) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  auto m = Message(TaskOutcome::kFailed, 1, "sh exited with code 1");
  m.last_words = "a\n\x1b[2J" + std::string(2'500, 'b');
  w.End(w.Pod("a"), m);
  w.Step();
  EXPECT_LE(w.Status("a").message.size(), 1'300U);
  EXPECT_EQ(w.Status("a").message.find_first_of("\n\x1b"), std::string::npos);
}

TEST(PlanRunTrouble, AFullDiskIsNamedAsSuch) {
  RunWorld w("steps:\n" + Step("a", "retry: {infrastructure: {limit: 0}}") +
             Step("b", "retry: {infrastructure: {limit: 0}}"));
  w.Settle();
  auto child = Message(TaskOutcome::kFailed, 1, "sh exited with code 1");
  auto launcher = Message(TaskOutcome::kInfrastructure, 0, "input 'i': no space left");
  child.no_space = launcher.no_space = true;
  w.End(w.Pod("a"), child);
  w.End(w.Pod("b"), launcher);
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "DiskFull");
  EXPECT_THAT(w.Status("a").message, HasSubstr("the step's own failure"));
  EXPECT_EQ(w.Status("b").reason, "DiskFull");
  EXPECT_THAT(w.Status("b").message, HasSubstr("for infrastructure"));
}

TEST(PlanRunTrouble, ThePodsDeadlineIsATimeOutAlsoWhereTheLauncherSaysThatItWasEnded) {
  RunWorld w("steps:\n" + Step("a", "retry: {timeout: {limit: 0}}"));
  w.Settle();
  PodFact& pod = w.Pod("a");
  w.End(pod, Message(TaskOutcome::kCancelled, 143, "run was stopped by a signal"));
  pod.pod_reason = "DeadlineExceeded";
  pod.pod_message = "Pod was active on the node longer than the specified deadline";
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "TimedOut");
  EXPECT_THAT(w.Status("a").message, HasSubstr("no retry left of 0 for time-out"));
  EXPECT_EQ(w.created.size(), 1U);
}

TEST(PlanRunTrouble, AStepThatFailedByItselfBeforeThePodsDeadlineIsTheUsersFailure) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  w.Fail(w.Pod("a"), 3);
  w.Pod("a").pod_reason = "DeadlineExceeded";
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "ExitCode");
}

// --- containers that outlive the step's

// The pod as the kubelet shows it once the step's container has ended and an injected one goes on.
void Outlive(RunWorld& w, PodFact& pod, const TerminationMessage& m) {
  w.End(pod, m);
  pod.outlived = true;
  pod.end_seen = w.now;
  if (m.outcome != TaskOutcome::kSucceeded) pod.phase = PodPhase::kRunning;
}

TEST(PlanRunTrouble, AnInjectedSidecarHoldsAFailedStepForItsGraceOnly) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  Outlive(w, w.Pod("a"), Message(TaskOutcome::kFailed, 3, "boom"));
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kRunning);
  EXPECT_EQ(w.plan.requeue_after, 10'000ms);
  w.now += 10s;
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("a").reason, "ExitCode");
  EXPECT_FALSE(w.plan.finished);
  EXPECT_THAT(w.deleted, IsEmpty());  // first the status says so
  w.Step();
  EXPECT_THAT(w.deleted, ElementsAre(w.Pod("a").name));
  w.Pod("a").deleting = true;
  EXPECT_TRUE(w.Step().finished);
}

TEST(PlanRunTrouble, AnEvictionOfAnOutlivedPodIsNoFailureOfTheUsers) {
  RunWorld w("steps:\n" + Step("a"));
  w.Settle();
  PodFact& pod = w.Pod("a");
  Outlive(w, pod, Message(TaskOutcome::kCancelled, 143));
  w.now += 5s;
  pod.phase = PodPhase::kFailed;
  pod.outlived = false;
  pod.pod_reason = "Evicted";
  pod.disrupted = true;
  w.Step();
  EXPECT_EQ(w.Status("a").reason, "Evicted");
}

TEST(PlanRunTrouble, AnInjectedSidecarDoesNotSurviveAStepThatSucceeded) {
  RunWorld w(kChain);
  w.Settle();
  TerminationMessage m;
  m.outcome = TaskOutcome::kSucceeded;
  m.receipt = w.ReceiptOf(w.Pod("a"));
  Outlive(w, w.Pod("a"), m);
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  w.Settle();
  EXPECT_THAT(w.deleted, Contains(w.Pod("a").name));
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
}

TEST(PlanRunTrouble, APodWhoseStepIsTriedAgainIsNotLeftToItsSidecar) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 1, backoff: 1s}}"));
  w.Settle();
  Outlive(w, w.Pod("a"), Message(TaskOutcome::kFailed, 3));
  w.now += 10s;
  w.Settle();
  w.Settle();
  EXPECT_THAT(w.deleted, Contains(w.Pod("a").name));
}

TEST(PlanRunTrouble, APodIsOutlivedByAContainerThatIsNotOursOnly) {
  const auto outlived = [](const std::string& phase, bool ended, const Json& other) {
    Json ours{{"name", kStepContainer}};
    ours["state"] = ended ? Json{{"terminated", {{"exitCode", 3}, {"reason", "Error"}}}}
                          : Json{{"running", Json::object()}};
    Json containers = Json::array({ours});
    if (!other.is_null()) containers.push_back({{"name", "proxy"}, {"state", other}});
    return DecodePod({{"metadata", {{"name", "p"}}},
                      {"status", {{"phase", phase}, {"containerStatuses", containers}}}})
        .outlived;
  };
  const Json running{{"running", Json::object()}};
  EXPECT_TRUE(outlived("Running", true, running));
  EXPECT_TRUE(outlived("Running", true, {{"waiting", {{"reason", "CrashLoopBackOff"}}}}));
  EXPECT_FALSE(outlived("Running", true, {{"terminated", {{"exitCode", 0}}}}));
  EXPECT_FALSE(outlived("Running", true, {}));
  EXPECT_FALSE(outlived("Running", false, running));
  EXPECT_FALSE(outlived("Failed", true, running));
}

TEST(PlanRun, WhileItIsNotKnownWhichAttemptsEndedARunSaysSoAndStartsNothing) {
  RunWorld w("steps:\n" + Step("a") + Step("b", "dependsOn: [{step: a}]"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  const api::PipelineRunStatus before = w.o.run.status;
  w.o.receipts_trouble = "input/output error";
  w.Step();
  EXPECT_TRUE(w.plan.actions.empty());
  EXPECT_FALSE(w.plan.finished);
  EXPECT_EQ(w.Is("Reconciling"), "True StoreUnavailable");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("input/output error"));
  EXPECT_EQ(w.plan.status.trouble, "StoreUnavailable");
  EXPECT_EQ(api::Encode(w.plan.status)["steps"], api::Encode(before)["steps"]);
  EXPECT_EQ(w.plan.events.size(), 1u);
  EXPECT_TRUE(w.Step().events.empty()) << "it is told once";
  w.o.receipts_trouble.clear();
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w.plan.status.trouble, "");
}

TEST(PlanRun, ACancelDoesNotWaitForAStoreThatCannotBeAsked) {
  RunWorld w("steps:\n" + Step("a") + Step("b"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.Run(w.Pod("b"));
  w.Settle();
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.o.receipts_trouble = "input/output error";
  w.Step();
  EXPECT_EQ(w.deleted.size(), 2u);
  for (const char* step : {"a", "b"}) {
    w.o.store_trouble[w.Pod(step).name] = "input/output error";
    w.o.pod_gone[w.Pod(step).name] = true;
    w.Drop(step);
  }
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kCancelled);
  EXPECT_THAT(w.Status("a").message, HasSubstr("input/output error"));
}

}  // namespace
}  // namespace penstock::plan
