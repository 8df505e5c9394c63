// Locks of a run: what it asks for, what it gets, and when it gives it back.
#include <gmock/gmock.h>

#include "operator/plan/locks/run_locks.h"
#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kDb = "locks: [{name: db}]";

// "load+db", "load.3-gpu" of one that waits, "+db" of the run's own.
std::vector<std::string> LocksOf(const RunPlan& plan) {
  std::vector<std::string> texts;
  for (const api::RunLock& lock : plan.status.locks) {
    std::string text = lock.step + (lock.item ? "." + std::to_string(*lock.item) : "");
    for (const std::string& name : lock.names) text += (lock.held ? "+" : "-") + name;
    texts.push_back(text);
  }
  return texts;
}

LockUse Other(std::vector<std::string> names, std::int64_t turn, bool held) {
  return {"uid-2/other/", "second", "other", std::nullopt, std::move(names), turn, held};
}

TEST(Locks, AreTakenWithThePodAndKeptUntilTheStepHasEnded) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.Settle();
  EXPECT_TRUE(w.plan.takes_locks);
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load+db"));
  EXPECT_THAT(w.created, ElementsAre("load/1"));
  EXPECT_EQ(w.Pod("load").locks, (std::vector<HeldLock>{{"db", "uid-1/load/"}}));
  w.Run(w.Pod("load"));
  w.Step();
  EXPECT_FALSE(w.plan.takes_locks);
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load+db"));
  w.Succeed(w.Pod("load"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
  EXPECT_TRUE(w.plan.urgent_status);
}

TEST(Locks, ThatAnotherRunHoldsAreWaitedForHoweverLong) {
  RunWorld w("steps:\n" + Step("load", kDb + ", timeouts: {pending: 1m}"));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("load").phase, api::StepPhase::kWaiting);
  EXPECT_EQ(w.Status("load").reason, "Locked");
  EXPECT_EQ(w.Status("load").message, "waits for the lock db, held by run second, step other");
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load-db"));
  EXPECT_EQ(w.plan.status.locks[0].turn, 5);
  EXPECT_EQ(w.Is("Succeeded"), "Unknown Locked");
  EXPECT_EQ(w.plan.status.trouble, "load: Locked");
  w.now += 3h;
  w.Settle();
  EXPECT_EQ(w.Status("load").reason, "Locked");
  w.o.locks.others.clear();
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("load/1"));
  EXPECT_EQ(w.plan.status.locks[0].since, w.now);
}

TEST(Locks, GoToWhoAskedBeforeAlsoWhereTheyAreFree) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, false)};
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_THAT(w.Status("load").message, HasSubstr("; 1 asked before"));
}

TEST(Locks, OfOneStepAreTakenTogether) {
  RunWorld w("steps:\n" + Step("load", "locks: [{name: gpu}, {name: db}]"));
  w.o.locks.others = {Other({"gpu"}, 4, true)};
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load-db-gpu"));
  EXPECT_THAT(w.Status("load").message, HasSubstr("the lock gpu, held by run second"));
  w.o.locks.others.clear();
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load+db+gpu"));
}

TEST(Locks, HoldApartTheStepsOfOneRun) {
  RunWorld w("steps:\n" + Step("a", kDb) + Step("b", kDb) + Step("free"));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "free/1"));
  EXPECT_THAT(w.Status("b").message, HasSubstr("held by run first, step a"));
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("b+db"));
  EXPECT_THAT(w.created, ElementsAre("a/1", "free/1", "b/1"));
}

TEST(Locks, OfTheRunAreTakenBeforeItsFirstStepAndKeptToItsEnd) {
  RunWorld w("locks: [{name: db}]\n" + kChain);
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  EXPECT_THAT(w.plan.requests.cache_keys, IsEmpty());
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_EQ(w.Status("a").reason, "Locked");
  w.o.locks.others.clear();
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+db"));
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+db"));
  EXPECT_EQ(w.Pod("b").locks, (std::vector<HeldLock>{{"db", "uid-1//"}}));
  w.Succeed(w.Pod("b"));
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

TEST(Locks, AreTakenByEachItemOfALoop) {
  RunWorld w("steps:\n" + Step("each", "forEach: {range: {to: 4}}, locks: [{name: gpu}]"));
  w.o.locks.sizes = {{"gpu", "2"}};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1"));
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("each.0+gpu", "each.1+gpu", "each.2-gpu", "each.3-gpu"));
  w.Succeed(w.Item(1));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1"));
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("each.0+gpu", "each.2+gpu", "each.3-gpu"));
}

TEST(Locks, WhoseSizeIsNoneSayWhereItStandsAndGoOnWhenItIsCorrected) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.sizes = {{"db", "two"}};
  w.Settle();
  EXPECT_EQ(w.Status("load").reason, "LockInvalid");
  EXPECT_THAT(w.Status("load").message,
              AllOf(HasSubstr("the lock db"), HasSubstr("ConfigMap penstock-locks says 'two'")));
  EXPECT_THAT(w.Says("Reconciling"), HasSubstr("it goes on when that is corrected"));
  w.now += 3h;
  w.Settle();
  EXPECT_EQ(w.Status("load").reason, "LockInvalid");
  w.o.locks.sizes = {{"db", "2"}};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("load/1"));
}

TEST(Locks, AreClosedByASizeOfNothing) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.sizes = {{"db", "0"}};
  w.Settle();
  EXPECT_THAT(w.Status("load").message, HasSubstr("the ConfigMap penstock-locks says 0 for it"));
}

TEST(Locks, AreNotTakenForWhatComesFromTheCache) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Step();
  ASSERT_EQ(w.plan.requests.cache_keys.size(), 1U);
  Receipt made;
  made.run = "before";
  w.o.cache[w.plan.requests.cache_keys[0]].hit = made;
  w.Step();
  EXPECT_EQ(w.Status("load").phase, api::StepPhase::kSucceeded);
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

// What the holder made meanwhile may be the same.
TEST(Locks, ThatAreWaitedForMakeTheStepLookIntoTheCacheAgain) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  EXPECT_THAT(w.plan.requests.settled_keys, ElementsAre(w.Status("load").cache_key));
}

// Others would wait behind who waits for something else.
TEST(Locks, AreNotAskedForByAStepThatFollowsAnotherRun) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load-db"));
  const std::string key = w.Status("load").cache_key;
  w.o.cache.erase(key);
  w.Step();
  EXPECT_EQ(w.Status("load").reason, "CacheLookup");
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load-db")) << "it keeps its turn";
  w.o.cache[key].following_run = "other/make";
  w.Step();
  EXPECT_EQ(w.Status("load").reason, "Following");
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

TEST(Locks, AreNotAskedForByARunOfWhichNobodyKnowsWhatItIs) {
  RunWorld w("locks: [{name: a}]\nsteps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+a", "load-db"));
  w.o.resolved = nullptr;
  w.o.spec_errors = {{"status.revision", "gone"}};
  w.Step();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+a"));
}

TEST(Locks, AreAskedForByNoRunThatIsSuspended) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  w.o.run.spec.suspend = true;
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
  w.o.run.spec.suspend = false;
  w.o.locks.others.push_back({"uid-3/x/", "third", "x", std::nullopt, {"db"}, 9, false});
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load-db"));
  EXPECT_EQ(w.plan.status.locks[0].turn, 10) << "behind who asked meanwhile";
}

TEST(Locks, AreKeptByASuspendedRunThatHoldsThem) {
  RunWorld w("locks: [{name: db}]\n" + kChain);
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.o.run.spec.suspend = true;
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+db"));
}

TEST(Locks, AreGivenBackByACancel) {
  RunWorld w("locks: [{name: db}]\nsteps:\n" + Step("a", "locks: [{name: gpu}]"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+db", "a+gpu"));
  w.o.run.spec.cancel = api::CancelMode::kNow;
  w.Step();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+db", "a+gpu")) << "its pod is there";
  w.Drop("a");
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

TEST(Locks, ThatAreWaitedForAreNoMoreAfterACancel) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Settle();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Status("load").phase, api::StepPhase::kCancelled);
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

TEST(Locks, AreKeptBetweenTheAttemptsOfAStep) {
  RunWorld w("steps:\n" + Step("load", kDb + ", retry: {user: {limit: 1, backoff: 5m}}"));
  w.Settle();
  w.Fail(w.Pod("load"));
  w.Settle();
  w.o.locks.others = {Other({"db"}, 9, false)};
  w.now += 1min;
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("load+db"));
  w.now += 5min;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("load/1", "load/2"));
}

// The controller was killed between the status and the pod.
TEST(Locks, ThatTheStatusSaysAreHeldWhereNoPodWasMade) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.Settle();
  w.Drop("load");
  w.o.run.status.steps.clear();
  w.o.locks.others = {Other({"db"}, 2, false)};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("load/1", "load/1"));
  EXPECT_FALSE(w.plan.takes_locks);
}

TEST(Locks, AreNotAskedForByAStepThatHasNoPlace) {
  RunWorld w("parallelism: 1\nsteps:\n" + Step("a") + Step("b", kDb));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
  EXPECT_EQ(w.Status("b").reason, "Parallelism");
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("b+db"));
}

TEST(Locks, ThatComeBeforeOneHeldAboveFailTheStepInsteadOfWaitingForEver) {
  RunWorld w("steps:\n" + Step("load", kDb));
  w.o.locks.above = {{"gpu", "uid-0/outer/"}};
  w.Settle();
  EXPECT_EQ(w.Status("load").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("load").reason, "LockOrder");
  EXPECT_THAT(w.Status("load").message, HasSubstr("'db' comes before 'gpu'"));
}

TEST(Locks, HeldAboveAreSaidByThePodsToo) {
  RunWorld w("steps:\n" + Step("load", "locks: [{name: z}]"));
  w.o.locks.above = {{"gpu", "uid-0/outer/"}};
  w.Settle();
  EXPECT_EQ(w.Pod("load").locks,
            (std::vector<HeldLock>{{"gpu", "uid-0/outer/"}, {"z", "uid-1/load/"}}));
}

TEST(Locks, OfAStepThatIsAPipelineAreHeldAsLongAsItsRun) {
  RunWorld w(
      "steps:\n- {name: call, locks: [{name: db}], pipeline: {steps: [{name: in, container: "
      "{image: i, command: [x]}}]}}\n");
  w.o.locks.others = {Other({"db"}, 4, true)};
  w.Settle();
  EXPECT_EQ(CountOf<CreateChild>(w.plan), 0);
  EXPECT_EQ(w.Status("call").reason, "Locked");
  w.o.locks.others.clear();
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("call/1"));
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("call+db"));
  w.End(w.Child("call"), RunOutcome::kSucceeded);
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

// Its producer waited for the lock that its consumer kept between its attempts.
TEST(Locks, ADamagedInputRunsItsProducerAgainAndThenTheConsumerAlsoUnderOneLock) {
  RunWorld w("steps:\n" + Step("a", kDb) + Step("b", After("a") + ", " + kDb));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("b+db"));
  w.now += 5s;
  auto m = Message(TaskOutcome::kInfrastructure, 0, "input i is damaged");
  m.damaged = Digest('a');
  w.End(w.Pod("b"), m);
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/2"));
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("a+db"));
  w.now += 5s;
  w.Succeed(w.Pod("a", 2));
  w.Settle();
  w.now += 1min;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/2", "b/2"));
  w.Succeed(w.Pod("b", 2));
  w.Settle();
  EXPECT_EQ(w.Is("Succeeded"), "True Succeeded");
}

// The same where nothing but the producer's end is in the status.
TEST(Locks, AreGivenBackToAProducerThatHasNoEntryAndRunsAgain) {
  RunWorld w("steps:\n" + Step("a", kDb) +
             Step("b", After("a") + ", " + kDb + ", retry: {user: {limit: 1, backoff: 5m}}"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  w.Settle();
  w.Fail(w.Pod("b"));
  w.Settle();
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("b+db"));
  w.o.run.status.succeeded_indexes = "0";
  std::erase_if(w.o.run.status.steps, [](const auto& s) { return s.name == "a"; });
  w.Drop("a");
  w.o.cache.clear();
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "a/1"));
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("a+db"));
}

// Between its attempts a had its lock and no place, and call's run the place and no lock.
TEST(Locks, AreKeptWithTheirPlaceBetweenTheAttemptsOfAStep) {
  RunWorld w("parallelism: 1\nsteps:\n" +
             Step("a", kDb + ", retry: {user: {limit: 1, backoff: 5m}}") +
             "- {name: pause, wait: {duration: 30s}}\n- {name: call, dependsOn: [{step: pause}], "
             "pipeline: {steps: [{name: in, locks: [{name: db}], container: "
             "{image: i, command: [x]}}]}}\n");
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  w.now += 1min;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(w.Status("call").reason, "Parallelism");
  w.now += 5min;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "a/2"));
  EXPECT_EQ(w.Status("call").reason, "Parallelism");
  w.Succeed(w.Pod("a", 2));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "a/2", "call/1"));
}

TEST(Locks, AreKeptWithTheirPlaceBetweenTheAttemptsOfAnItem) {
  RunWorld w("steps:\n" + Step("each",
                               "forEach: {range: {to: 2}, parallelism: 1}, "
                               "locks: [{name: db}], retry: {user: {limit: 1, backoff: "
                               "5m}}"));
  w.o.locks.sizes = {{"db", "2"}};
  w.Settle();
  w.Fail(w.Item(0));
  w.Settle();
  w.now += 1min;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1"));
  w.now += 5min;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.0/2"));
  EXPECT_EQ(w.Status("each").items->running, 1);
  w.Succeed(w.Item(0, 2));
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.0/2", "each.1/1"));
}

// It waited for the lock on, to tidy up after nothing.
TEST(Locks, OfAStoppedRunThatNeverHadThemAreNotWaitedForByFinally) {
  for (const bool late : {false, true}) {
    RunWorld w("locks: [{name: db}]\ntimeouts: {run: 1h}\nsteps:\n" + Step("a") + "finally:\n" +
               Step("tidy"));
    w.o.locks.others = {Other({"db"}, 4, true)};
    w.Settle();
    if (late)
      w.now += 2h;
    else
      w.o.run.spec.cancel = api::CancelMode::kStop;
    w.Settle();
    EXPECT_TRUE(w.plan.finished);
    EXPECT_EQ(w.Status("tidy").phase, api::StepPhase::kSkipped);
    EXPECT_EQ(w.Status("tidy").reason, "NeverBegan");
    EXPECT_THAT(w.Status("tidy").message, HasSubstr("stopped before it had its locks"));
  }
}

TEST(Locks, OfAStoppedRunThatHadThemAreHeldByFinally) {
  RunWorld w("locks: [{name: db}]\nsteps:\n" + Step("a") + "finally:\n" + Step("tidy"));
  w.Settle();
  w.o.run.spec.cancel = api::CancelMode::kStop;
  w.Drop("a");
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "tidy/1"));
  EXPECT_THAT(LocksOf(w.plan), ElementsAre("+db"));
}

// What is held around it nobody knows any more.
TEST(Locks, AreTakenByNoRunWhoseParentIsGone) {
  RunWorld w("steps:\n" + Step("load", kDb) + "finally:\n" + Step("tidy"));
  w.o.family.is_orphan = true;
  w.Settle();
  EXPECT_THAT(w.created, IsEmpty());
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Status("load").message, "the run that this one is a step of is gone");
  EXPECT_THAT(LocksOf(w.plan), IsEmpty());
}

TEST(Locks, OfManyItemsAreAskedForAHundredAtATime) {
  RunWorld w("steps:\n" + Step("each", "forEach: {range: {to: 300}}, locks: [{name: db}]"));
  w.Settle();
  EXPECT_EQ(w.plan.status.locks.size(), 101U);
  EXPECT_THAT(w.created, ElementsAre("each.0/1"));
}

}  // namespace
}  // namespace penstock::plan
