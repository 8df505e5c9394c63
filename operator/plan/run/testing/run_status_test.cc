// What a run's status keeps, whatever clocks say and whichever status was written: times, cache
// misses, where a cached step comes from, its end.
#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::HasSubstr;

TEST(PlanRunStatus, ARetryWaitsFromWhenTheEndWasSeenWhateverTheNodesClockSays) {
  for (const auto skew : {-600s, 0s, 600s}) {
    RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 1, backoff: 10s}}"));
    w.Settle();
    w.Fail(w.Pod("a"));
    w.Pod("a").finished = w.now + skew;
    w.Pod("a").end_seen = w.now;
    w.Settle();
    EXPECT_EQ(w.Status("a").retry_at, kNoon + 10s);
    w.now += 9s;
    EXPECT_EQ(CountOf<CreatePod>(w.Step()), 0);
    // Another operator sees the end anew, and keeps to what the status says.
    w.Pod("a").end_seen = w.now;
    w.Step();
    EXPECT_EQ(w.Status("a").retry_at, kNoon + 10s);
    w.now += 1s;
    EXPECT_EQ(CountOf<CreatePod>(w.Settle()), 1);
  }
}

TEST(PlanRunStatus, TheStartTimeOfAStepIsItsFirstPods) {
  RunWorld w("steps:\n" + Step("a", "retry: {user: {limit: 1, backoff: 1s}}"));
  w.Settle();
  w.Run(w.Pod("a"));
  w.Settle();
  w.now += 5s;
  w.Fail(w.Pod("a"));
  w.Settle();
  w.now += 5s;
  w.Settle();
  w.Run(w.Pod("a", 2));
  w.Settle();
  EXPECT_EQ(w.Status("a").attempts, 2);
  EXPECT_EQ(w.Status("a").start_time, kNoon);
}

TEST(PlanRunStatus, AStepThatFollowedInVainStartsWithItsOwnPod) {
  RunWorld w("steps:\n" + Step("a", "timeouts: {pending: 30s}"));
  w.Step();
  w.o.cache[w.plan.requests.cache_keys[0]] = {std::nullopt, "other/a", w.now};
  w.Step();
  EXPECT_FALSE(w.Status("a").start_time);
  w.now += 30s;
  w.Settle();
  w.Run(w.Pod("a"));
  w.Settle();
  EXPECT_EQ(w.Status("a").start_time, kNoon + 30s);
}

TEST(PlanRunStatus, WhyNothingCameFromTheCacheIsSaidAlsoWhereNoStatusWasWrittenInBetween) {
  RunWorld w("steps:\n" + Step("a") + Step("b", After("a") + ", cache: {enabled: false}"));
  w.Settle();
  w.Succeed(w.Pod("a"));
  const auto before = w.o.run.status;
  w.Settle();
  w.o.run.status = before;  // the status of the plan that started b came to nothing
  w.Settle();
  EXPECT_EQ(w.Status("a").cache_miss, "NotFound");
  EXPECT_EQ(w.Status("b").cache_miss, "Disabled");
}

TEST(PlanRunStatus, ACachedStepNamesTheRunThatItComesFrom) {
  for (const auto& [run, shown] :
       {std::pair{"yesterday-7", "yesterday-7"}, {"", ""}, {"No name\n", ""}}) {
    RunWorld w("steps:\n" + Step("a"));
    w.Step();
    Receipt hit;
    hit.run = run;
    w.o.cache[w.plan.requests.cache_keys[0]] = {hit, ""};
    w.Step();
    EXPECT_TRUE(w.Status("a").cached);
    EXPECT_EQ(w.Status("a").cached_from, shown);
  }
}

TEST(PlanRunStatus, ARunThatCanNeverResolveIsFinished) {
  RunWorld w(kChain);
  w.o.resolved = nullptr;
  w.o.spec_errors = {{"spec.parameters.colour", "must be red or blue"}};
  w.o.unresolvable = true;
  w.Step();
  EXPECT_TRUE(w.plan.finished);
  EXPECT_EQ(w.Is("Finished"), "True InvalidSpec");
  EXPECT_EQ(w.Is("Succeeded"), "False InvalidSpec");
  EXPECT_EQ(w.Is("Stalled"), "True InvalidSpec");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("spec.parameters.colour: must be red or blue"));
  EXPECT_TRUE(w.plan.status.finish_time);
  EXPECT_EQ(w.plan.events.back().reason, "RunFailed");
}

}  // namespace
}  // namespace penstock::plan
