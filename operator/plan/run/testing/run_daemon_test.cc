// Steps that serve others while these run (daemon).
#include <gmock/gmock.h>

#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string Daemon(const std::string& name = "db", const std::string& more = "") {
  return "- {name: " + name + ", container: {image: \"" + kPinned +
         "\", command: [serve]}, daemon: {readiness: {tcp: 5432}}" +
         (more.empty() ? "" : ", " + more) + "}\n";
}
std::string User(const std::string& name, const std::string& more = "") {
  return "- {name: " + name + ", container: {image: \"" + kPinned +
         "\", command: [ask, $(parameters.db)]}, parameters: {db: $(steps.db.address)}" +
         (more.empty() ? "" : ", " + more) + "}\n";
}

class DaemonRun : public ::testing::Test {
 protected:
  void Begin(const std::string& steps, const std::string& rest = "") {
    w_.emplace(rest + "steps:\n" + steps);
    w_->Settle();
  }
  void BeReady(const std::string& step = "db", int attempt = 1) {
    PodFact& pod = w_->Pod(step, attempt);
    w_->Run(pod);
    pod.ready = true;
    pod.address = "10.0.0." + std::to_string(attempt);
    w_->Settle();
  }
  void Finish(const std::string& step) {
    w_->Succeed(w_->Pod(step));
    w_->Settle();
  }
  TaskDocument TaskOf(const std::string& step, int attempt = 1) {
    auto task = ParseTask(
        w_->objects.at(w_->Pod(step, attempt).name)["metadata"]["annotations"][kAnnotationTask]);
    EXPECT_TRUE(task) << (task ? "" : task.error().message);
    return task ? *task : TaskDocument{};
  }
  // The run is not over before the daemon's pod, if there is one, was deleted and is gone.
  void EndsWithoutItsPod() {
    for (int i = 0; i < 3 && !w_->plan.finished; ++i) {
      w_->Settle();
      for (PodFact& pod : w_->o.pods)
        if (std::count(w_->deleted.begin(), w_->deleted.end(), pod.name) > 0) pod.deleting = true;
    }
    EXPECT_TRUE(w_->plan.finished);
    for (const PodFact& pod : w_->o.pods)
      EXPECT_TRUE(HasEnded(pod) || pod.deleting) << pod.name << " goes on after the run's end";
  }
  std::optional<RunWorld> w_;
};

TEST_F(DaemonRun, AStepThatUsesADaemonStartsOnceItIsReadyAndIsToldWhereItServes) {
  Begin(Daemon() + User("use"));
  EXPECT_THAT(w_->created, ElementsAre("db/1"));
  EXPECT_EQ(
      w_->objects.begin()->second["spec"]["containers"][0]["readinessProbe"]["tcpSocket"]["port"],
      5432);
  w_->Run(w_->Pod("db"));
  w_->Settle();
  EXPECT_THAT(w_->created, ElementsAre("db/1"));
  EXPECT_EQ(w_->Status("use").reason, "Dependencies");
  EXPECT_EQ(w_->Status("db").message, "it is not ready yet");
  BeReady();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "use/1"));
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kRunning);
  EXPECT_EQ(w_->Status("db").reason, "Ready");
  EXPECT_EQ(w_->Status("db").address, "10.0.0.1");
  EXPECT_EQ(TaskOf("use").parameters["db"], "10.0.0.1");
  EXPECT_EQ(w_->Status("use").cache_miss, "RunValue") << "what it asks is in no key";
  EXPECT_EQ(w_->Status("db").cache_miss, "Disabled");
}

TEST_F(DaemonRun, ItIsEndedWhenAllStepsThatUseItHaveEndedAndTheRunSucceeds) {
  Begin(Daemon() + User("one") + User("two"));
  BeReady();
  Finish("one");
  EXPECT_THAT(w_->deleted, IsEmpty());
  Finish("two");
  EXPECT_THAT(w_->deleted, ElementsAre(w_->Pod("db").name));
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSucceeded);
  EXPECT_FALSE(w_->plan.finished) << "its pod is still there";
  w_->Pod("db").deleting = true;
  w_->Settle();
  w_->Drop("db");
  w_->Settle();
  EXPECT_TRUE(w_->plan.finished);
  EXPECT_EQ(w_->Is("Succeeded"), "True Succeeded");
}

TEST_F(DaemonRun, AnEndThatItWasToldToIsNoFailureThoughTheStatusWasNotWritten) {
  Begin(Daemon() + User("use"));
  BeReady();
  const auto before = w_->plan.status;
  Finish("use");
  w_->o.run.status = before;
  w_->End(w_->Pod("db"), Message(TaskOutcome::kCancelled, 143));
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSucceeded);
  EXPECT_THAT(w_->created, ElementsAre("db/1", "use/1"));
}

TEST_F(DaemonRun, AnEndThatIsSeenWithItsLastUsersIsNoFailure) {
  for (const bool by_failure : {false, true}) {
    Begin(Daemon() + User("use"));
    BeReady();
    w_->Succeed(w_->Pod("use"));
    if (by_failure)
      w_->Fail(w_->Pod("db"), 1, "nobody is connected");
    else
      w_->Succeed(w_->Pod("db"));
    w_->Settle();
    EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSucceeded) << w_->Status("db").message;
    EXPECT_THAT(w_->created, ElementsAre("db/1", "use/1"));
    EXPECT_EQ(w_->Is("Succeeded"), "True Succeeded");
  }
}

TEST_F(DaemonRun, AnEndIsNoFailureWhileTheStoreIsAskedHowItsLastUserEnded) {
  Begin(Daemon() + User("use"));
  BeReady();
  PodFact& use = w_->Pod("use");
  w_->Succeed(use);
  const Receipt receipt = w_->ReceiptOf(use);
  use.termination_message.clear();
  w_->Succeed(w_->Pod("db"));
  w_->Step();
  EXPECT_THAT(w_->plan.requests.receipts, ElementsAre(use.name));
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kRunning);
  w_->o.receipts[use.name].receipt = receipt;
  w_->Settle();
  EXPECT_EQ(w_->Status("use").phase, api::StepPhase::kSucceeded);
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSucceeded) << w_->Status("db").message;
}

TEST_F(DaemonRun, OneThatEndsWhileItIsNeededFailsTheRunByName) {
  Begin(Daemon() + User("use"));
  BeReady();
  w_->Succeed(w_->Pod("db"));
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w_->Status("db").reason, "DaemonEnded");
  Finish("use");
  EXPECT_EQ(w_->Is("Succeeded"), "False StepFailed");
  EXPECT_THAT(w_->Says("Succeeded"), HasSubstr("step db"));
}

TEST_F(DaemonRun, ItIsTriedAgainByItsRetriesAndLaterStepsGetTheNewAddress) {
  Begin(Daemon("db", "retry: {user: {limit: 1}}") + User("one") +
        User("two", "dependsOn: [{step: one}]"));
  BeReady();
  w_->Run(w_->Pod("one"));
  w_->Fail(w_->Pod("db"), 3, "no memory left");
  w_->Settle();
  w_->now += std::chrono::minutes(10);
  w_->Settle();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "one/1", "db/2"));
  Finish("one");
  EXPECT_THAT(w_->created, ElementsAre("db/1", "one/1", "db/2")) << "two waits until it is ready";
  BeReady("db", 2);
  EXPECT_THAT(w_->created, ElementsAre("db/1", "one/1", "db/2", "two/1"))
      << w_->Status("two").reason << " " << w_->Status("two").message << "; "
      << w_->Status("db").reason << " " << w_->Status("db").message;
  EXPECT_EQ(TaskOf("two").parameters["db"], "10.0.0.2");
}

TEST_F(DaemonRun, OneThatIsNotReadyInTimeFailsAndSaysSo) {
  Begin(Daemon("db", "timeouts: {pending: 2m}") + User("use"));
  w_->Run(w_->Pod("db"));
  w_->Settle();
  EXPECT_EQ(w_->plan.requeue_after, std::chrono::minutes(2));
  w_->now += std::chrono::minutes(2);
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w_->Status("db").reason, "NotReady");
  EXPECT_THAT(w_->Status("db").message, HasSubstr("was not ready within 2m"));
  EXPECT_THAT(w_->deleted, ::testing::Contains(w_->Pod("db").name));
  EXPECT_EQ(w_->Status("use").phase, api::StepPhase::kSkipped);
}

TEST_F(DaemonRun, OneThatIsNotReadyForAWhileHoldsUpThoseThatHaveNotStarted) {
  Begin(Daemon() + User("one") + User("two", "dependsOn: [{step: one}]"));
  BeReady();
  w_->Pod("db").ready = false;
  Finish("one");
  EXPECT_THAT(w_->created, ElementsAre("db/1", "one/1"));
  EXPECT_EQ(w_->Status("db").message, "it is not ready any more");
  BeReady();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "one/1", "two/1"));
}

TEST_F(DaemonRun, OneThatIsNotReadyAnyMoreDoesNotHoldUpThoseThatWaitForEver) {
  Begin(Daemon("db", "timeouts: {pending: 2m}") + User("one") +
        User("two", "dependsOn: [{step: one}]"));
  BeReady();
  w_->Run(w_->Pod("one"));
  w_->now += std::chrono::hours(1);
  w_->Pod("db").ready = false;
  w_->Pod("db").ready_since = w_->now;
  w_->Settle();
  EXPECT_FALSE(w_->plan.requeue_after) << "who waits for another step does not wait for it yet";
  Finish("one");
  EXPECT_EQ(w_->plan.requeue_after, std::chrono::minutes(2));
  w_->now += std::chrono::minutes(2);
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w_->Status("db").message, HasSubstr("was not ready any more for 2m"));
  EXPECT_THAT(w_->deleted, ::testing::Contains(w_->Pod("db").name));
  EXPECT_EQ(w_->Status("two").phase, api::StepPhase::kSkipped);
}

TEST_F(DaemonRun, OneThatIsNotReadyAnyMoreIsLeftToThoseThatRun) {
  Begin(Daemon("db", "timeouts: {pending: 2m}") + User("use"));
  BeReady();
  w_->Run(w_->Pod("use"));
  w_->Pod("db").ready = false;
  w_->Pod("db").ready_since = w_->now;
  w_->now += std::chrono::hours(1);
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kRunning);
  Finish("use");
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSucceeded);
}

const std::string kLoop = "dependsOn: [{step: db}], forEach: {range: {to: 3}, parallelism: 1}";

TEST_F(DaemonRun, ALoopStartsNoItemWhenItsDaemonHasFailedForGood) {
  Begin(Daemon() + Step("each", kLoop));
  BeReady();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "each.0/1"));
  w_->Fail(w_->Pod("db"), 3, "no memory left");
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kFailed);
  w_->Succeed(w_->Item(0));
  w_->Settle();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "each.0/1"));
  EXPECT_EQ(w_->Status("each").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w_->Status("each").reason, "DependencyFailed");
  EXPECT_EQ(w_->Status("each").message, "step db ended as Failed; 2 of 3 items were not run");
  EXPECT_EQ(w_->Is("Succeeded"), "False StepFailed");
}

TEST_F(DaemonRun, ALoopWhoseItemsHaveEndedSucceedsThoughItsDaemonIsNotReadyNow) {
  Begin(Daemon() + Step("each", kLoop));
  BeReady();
  for (int i = 0; i < 2; ++i) {
    w_->Succeed(w_->Item(i));
    w_->Settle();
  }
  w_->Pod("db").ready = false;
  w_->Succeed(w_->Item(2));
  w_->Settle();
  EXPECT_EQ(w_->Status("each").phase, api::StepPhase::kSucceeded);
  EXPECT_THAT(w_->deleted, ElementsAre(w_->Pod("db").name));
}

TEST_F(DaemonRun, ALoopWhoseLastItemsRunDoesNotWaitForItsDaemon) {
  for (const int items : {1, 2}) {
    Begin(Daemon("db", "timeouts: {pending: 2m}") +
          Step("each", "dependsOn: [{step: db}], forEach: {range: {to: " + std::to_string(items) +
                           "}, parallelism: 1}"));
    BeReady();
    w_->Run(w_->Item(0));
    w_->Settle();
    w_->Pod("db").ready = false;
    w_->Pod("db").ready_since = w_->now;
    w_->now += std::chrono::hours(1);
    w_->Settle();
    EXPECT_EQ(w_->Status("db").phase,
              items == 1 ? api::StepPhase::kRunning : api::StepPhase::kFailed);
  }
}

TEST_F(DaemonRun, ALoopStartsItsNextItemWhenItsDaemonIsReadyAgain) {
  Begin(Daemon() + Step("each", kLoop));
  BeReady();
  w_->Pod("db").ready = false;
  w_->Succeed(w_->Item(0));
  w_->Settle();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "each.0/1"));
  BeReady();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "each.0/1", "each.1/1"));
}

TEST_F(DaemonRun, ItTakesNoPlaceOfThoseThatUseIt) {
  Begin(Daemon() + User("use"), "parallelism: 1\n");
  BeReady();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "use/1"));
}

TEST_F(DaemonRun, ItWaitsForNoPlaceAndItsPodThatIsMadeTakesNone) {
  Begin(Step("x") + Daemon() + Step("z"), "parallelism: 2\n");
  EXPECT_THAT(w_->created, UnorderedElementsAre("x/1", "db/1", "z/1"))
      << "none of the two places is db's";
  Begin(Step("x") + Daemon(), "parallelism: 1\n");
  EXPECT_THAT(w_->created, UnorderedElementsAre("x/1", "db/1"))
      << "the one place is x's, and db needs none";
}

TEST_F(DaemonRun, OneThatNoStepDependsOnServesUntilAllOthersHaveEnded) {
  Begin(Daemon() + Step("a") + Step("b", After("a")));
  BeReady();
  Finish("a");
  EXPECT_THAT(w_->deleted, IsEmpty());
  Finish("b");
  EXPECT_THAT(w_->deleted, ElementsAre(w_->Pod("db").name));
}

TEST_F(DaemonRun, ADaemonMayUseAnotherOneWhichOutlivesIt) {
  Begin(Daemon() + Daemon("web", "dependsOn: [{step: db}]") +
        User("use", "dependsOn: [{step: web}]"));
  EXPECT_THAT(w_->created, ElementsAre("db/1"));
  BeReady();
  BeReady("web");
  EXPECT_THAT(w_->created, ElementsAre("db/1", "web/1", "use/1"));
  Finish("use");
  EXPECT_THAT(w_->deleted, ElementsAre(w_->Pod("web").name, w_->Pod("db").name));
}

TEST_F(DaemonRun, FinallyBeginsWhenDaemonsHaveEnded) {
  Begin(Daemon() + User("use"), "finally:\n" + Step("tell"));
  BeReady();
  Finish("use");
  EXPECT_EQ(w_->plan.requeue_after, Milliseconds(0)) << "others may go on now";
  w_->Settle();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "use/1", "tell/1"));
}

TEST_F(DaemonRun, AStepOfFinallyThatAsksHowItEndedDoesNotWaitForItForEver) {
  Begin(Daemon() + User("use"), "finally:\n" +
                                    Step("tell", "parameters: {how: $(steps.db.status)}") +
                                    Step("after", "dependsOn: [{step: db}]"));
  BeReady();
  Finish("use");
  EXPECT_THAT(w_->deleted, ElementsAre(w_->Pod("db").name));
  w_->Settle();
  EXPECT_THAT(w_->created, ElementsAre("db/1", "use/1", "tell/1", "after/1"));
  EXPECT_EQ(TaskOf("tell").parameters["how"], "Succeeded");
}

TEST_F(DaemonRun, WhereAllThatUseItAreSkippedItIsNotStarted) {
  Begin(Step("fails") + Daemon("db", "dependsOn: [{step: slow}]") + Step("slow") +
        User("use", "dependsOn: [{step: fails}]"));
  w_->Fail(w_->Pod("fails"));
  w_->Settle();
  EXPECT_EQ(w_->Status("use").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSkipped);
  EXPECT_EQ(w_->Status("db").reason, "NotNeeded");
  Finish("slow");
  EXPECT_THAT(w_->created, ElementsAre("fails/1", "slow/1"));
}

TEST_F(DaemonRun, WhereItsPodIsMadeAndNobodyWantsItAnyMoreAtOnceThePodIsNotForgotten) {
  Begin(Step("gate") + Step("slow") + Daemon("db", "dependsOn: [{step: slow}]") +
        User("use", "dependsOn: [{step: gate}]"));
  w_->Fail(w_->Pod("gate"));
  w_->Succeed(w_->Pod("slow"), {{"r", 1}});
  w_->Settle();
  EXPECT_EQ(w_->Status("use").phase, api::StepPhase::kSkipped);
  EXPECT_THAT(w_->created, ElementsAre("gate/1", "slow/1", "db/1"));
  EXPECT_FALSE(w_->plan.finished);
  w_->Settle();
  EXPECT_THAT(w_->deleted, ::testing::Contains(w_->Pod("db").name));
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kSucceeded);
}

TEST_F(DaemonRun, APodThatIsMadeInTheVisitThatSkipsItsUsersIsNotLeftBehind) {
  Begin(Step("check") + Daemon("db", "dependsOn: [{step: check}]") +
        Step("x", "when: \"steps.check.results.r > 1\"") + User("use", "dependsOn: [{step: x}]"));
  w_->Succeed(w_->Pod("check"), {{"r", 1}});
  w_->Settle();
  EXPECT_EQ(w_->Status("use").phase, api::StepPhase::kSkipped);
  EndsWithoutItsPod();
}

TEST_F(DaemonRun, APodThatIsMadeInTheVisitThatSeesAStepFailIsNotLeftBehind) {
  Begin(Step("x") + Daemon() + User("use", "dependsOn: [{step: x}]"), "parallelism: 1\n");
  w_->Fail(w_->Pod("x"));
  w_->Settle();
  EXPECT_EQ(w_->Status("use").phase, api::StepPhase::kSkipped);
  EndsWithoutItsPod();
}

TEST_F(DaemonRun, ACancelEndsItAsAnyStep) {
  Begin(Daemon() + User("use"));
  BeReady();
  w_->o.run.spec.cancel = api::CancelMode::kStop;
  w_->Settle();
  EXPECT_THAT(w_->deleted,
              ::testing::UnorderedElementsAre(w_->Pod("db").name, w_->Pod("use").name));
  for (const char* step : {"db", "use"})
    w_->End(w_->Pod(step), Message(TaskOutcome::kCancelled, 143));
  w_->Settle();
  EXPECT_EQ(w_->Status("db").phase, api::StepPhase::kCancelled);
  EXPECT_EQ(w_->Is("Succeeded"), "False Cancelled");
}

TEST_F(DaemonRun, PlanningTwiceOnWhatWasSeenDoesNothing) {
  Begin(Daemon() + User("use"));
  BeReady();
  w_->Step();
  EXPECT_THAT(w_->plan.actions, IsEmpty());
  EXPECT_EQ(w_->plan.status.steps.at(0).reason, "Ready");
}

}  // namespace
}  // namespace penstock::plan
