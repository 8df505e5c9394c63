// Inputs named by a digest that `penstock artifact put` printed.
#include <gmock/gmock.h>

#include "operator/plan/attempt/attempt.h"
#include "operator/plan/run/testing/run_plan_test.h"
#include "operator/protocol/task.h"

namespace penstock::plan {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kPut = Digest('d');
const std::string kOne = "steps:\n" + Step("a", "inputs: {data: \"" + kPut + "\"}");

TaskDocument TaskOf(const RunWorld& w) {
  const Json& pod = w.objects.begin()->second;
  return ParseTask(pod["metadata"]["annotations"]["penstock.dev/task"].get<std::string>()).value();
}

TEST(PlanRun, ADigestIsTheArtifactThatTheStoreSaysItIs) {
  RunWorld w(kOne);
  w.Step();
  EXPECT_THAT(w.plan.requests.artifacts, ElementsAre(kPut));
  w.o.artifacts[kPut].artifact = ArtifactRef{kPut, true, 42};
  w.Settle();
  ASSERT_THAT(w.created, ElementsAre("a/1"));
  EXPECT_EQ(TaskOf(w).inputs.at(0).artifact, (ArtifactRef{kPut, true, 42}));
}

TEST(PlanRun, AnArtifactThatIsNotInTheStoreIsWaitedForByName) {
  RunWorld w(kOne);
  w.o.artifacts[kPut];
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("a").reason, "InputMissing");
  EXPECT_THAT(w.Says("Succeeded"), HasSubstr("step a (InputMissing): input 'data': "));
  EXPECT_EQ(w.Status("a").message, "input 'data': the store of namespace team has no " + kPut +
                                       "; upload it with `penstock artifact put`");
  EXPECT_THAT(w.plan.requests.artifacts, ElementsAre(kPut)) << "it is looked for again";
  EXPECT_TRUE(w.plan.requeue_after);

  w.now += std::chrono::minutes(3);
  w.o.artifacts[kPut].artifact = ArtifactRef{kPut, false, 7};
  w.Settle();
  EXPECT_THAT(w.created, ElementsAre("a/1"));
}

TEST(PlanRun, AnArtifactThatNeverComesFailsTheStepAfterItsPendingTime) {
  RunWorld w(kOne);
  w.o.artifacts[kPut];
  w.Settle();
  w.now += PendingLimit(w.o.resolved->steps[0]) - std::chrono::seconds(1);
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  w.now += std::chrono::seconds(1);
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_THAT(w.Status("a").message, HasSubstr("and did not get it within"));
  EXPECT_EQ(w.Is("Succeeded"), "False StepFailed");
  EXPECT_TRUE(w.created.empty());
}

TEST(PlanRun, AStoreThatCannotBeAskedForAnInputIsSaidAndEndsNoStep) {
  RunWorld w(kOne);
  w.o.store_trouble[kPut] = "the volume is not mounted";
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("a").reason, "StoreUnavailable");
  EXPECT_THAT(w.Says("Reconciling"),
              HasSubstr("step a (StoreUnavailable): input 'data': the artifact store could not be "
                        "asked: the volume is not mounted; it is tried again; 0 of 1"));
  ASSERT_FALSE(w.plan.events.empty());
  EXPECT_EQ(w.plan.events.back().reason, "StoreUnavailable");
  w.now += std::chrono::hours(48);
  w.Step();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_THAT(w.plan.requests.artifacts, ElementsAre(kPut));
}

TEST(PlanRun, AnArtifactThatIsGoneBeforeARetryIsWaitedForNoLongerThanAnother) {
  RunWorld w("steps:\n" + Step("a", "inputs: {data: \"" + kPut +
                                        "\"}, retry: {user: {limit: 1, backoff: 1s}}, timeouts: "
                                        "{pending: 1m}"));
  w.o.artifacts[kPut].artifact = ArtifactRef{kPut, false, 7};
  w.Settle();
  w.Fail(w.Pod("a"));
  w.Settle();
  w.now += std::chrono::seconds(1);
  w.o.artifacts[kPut] = {std::nullopt, w.now};
  const auto begun = w.Status("a").start_time;
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kPending);
  EXPECT_EQ(w.Status("a").reason, "InputMissing");
  EXPECT_EQ(w.Status("a").start_time, begun) << "of its first pod";
  w.now += std::chrono::seconds(30);
  w.Settle();
  EXPECT_EQ(w.plan.requeue_after, std::chrono::seconds(30));
  w.now += std::chrono::seconds(30);
  w.Settle();
  EXPECT_EQ(w.Status("a").phase, api::StepPhase::kFailed);
  EXPECT_EQ(w.Status("a").reason, "InputMissing");
}

TEST(PlanRun, ADigestIsInTheCacheKeyAsItself) {
  const auto key = [](char digest) {
    RunWorld w("steps:\n" + Step("a", "inputs: {data: \"" + Digest(digest) + "\"}"));
    w.o.artifacts[Digest(digest)].artifact = ArtifactRef{Digest(digest), false, 7};
    w.Settle();
    return w.Pod("a").cache_key;
  };
  EXPECT_EQ(key('d'), key('d'));
  EXPECT_NE(key('d'), key('e'));
}

}  // namespace
}  // namespace penstock::plan
