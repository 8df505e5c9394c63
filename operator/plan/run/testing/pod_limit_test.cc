// What the platform lets runs have: pods of a namespace, steps of a run at a time.
#include <gmock/gmock.h>

#include "operator/plan/run/testing/run_plan_test.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kThree = "steps:\n" + Step("a") + Step("b") + Step("c");

TEST(PodLimit, StartsNoMoreThanTheNamespaceHasRoomFor) {
  RunWorld w(kThree);
  w.o.pods_left = 2;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1"));
  EXPECT_TRUE(w.plan.waits_for_room);
  EXPECT_EQ(w.plan.requeue_after, Milliseconds(15'000));
  w.o.pods_left = 0;
  w.Settle();
  EXPECT_EQ(CountOf<CreatePod>(w.plan), 0);
  w.o.pods_left = 1;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1", "b/1", "c/1"));
  EXPECT_FALSE(w.plan.waits_for_room);
}

TEST(PodLimit, IsToldWhereNothingElseGoesOn) {
  RunWorld w("steps:\n" + Step("a"));
  w.o.pods_left = 0;
  w.Settle();
  ASSERT_EQ(w.plan.status.steps.size(), 1U);
  EXPECT_EQ(w.plan.status.steps[0].reason, "PodLimit");
  EXPECT_THAT(w.plan.status.steps[0].message, HasSubstr("as many pods as the platform lets"));
  EXPECT_EQ(w.plan.status.trouble, "a: PodLimit");
  const auto* ready = api::FindCondition(w.plan.status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "PodLimit");
}

// Those that use it hold the places that it would wait for.
TEST(PodLimit, HoldsBackNoDaemon) {
  RunWorld w("steps:\n- {name: serve, container: {image: \"" + kPinned +
             "\", command: [serve]}, daemon: {readiness: {tcp: 8080}}}\n" +
             Step("use", "dependsOn: [{step: serve}]"));
  w.o.pods_left = 0;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("serve/1"));
  EXPECT_TRUE(w.o.pods.at(0).daemon);
}

TEST(PodLimit, HoldsBackNoPipelineWithinWhosePodsWaitThemselves) {
  RunWorld w("steps:\n- {name: q, pipeline: {steps: [{name: in, container: {image: \"" + kPinned +
             "\", command: [x]}}]}}\n");
  w.o.pods_left = 0;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("q/1"));
}

TEST(PodLimit, BoundsTheParallelismOfEveryRunWhateverItSays) {
  for (const std::string own : {"", "parallelism: 3\n", "parallelism: 1\n"}) {
    RunWorld w(own + kThree);
    w.settings.max_parallelism = 2;
    w.Settle();
    EXPECT_EQ(w.created.size(), own == "parallelism: 1\n" ? 1U : 2U) << own;
    EXPECT_EQ(w.plan.status.steps.at(2).reason, "Parallelism") << own;
  }
}

TEST(PodLimit, BoundsTheItemsOfALoop) {
  RunWorld w("steps:\n" + Step("each", "forEach: {range: {to: 5}}"));
  w.o.pods_left = 3;
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("each.0/1", "each.1/1", "each.2/1"));
  EXPECT_TRUE(w.plan.waits_for_room);
}

}  // namespace
}  // namespace penstock::plan
