#include "operator/cli/history/run_lookup.h"

#include <gmock/gmock.h>

#include "operator/base/json.h"
#include "operator/cli/history/run_archive.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::cli {
namespace {

using ::testing::ElementsAre;

Json RunOf(const std::string& hash, int number) {
  return {{"metadata",
           {{"name", "flights-" + hash + "-" + std::to_string(number)},
            {"labels", {{"penstock.dev/run-hash", hash}, {"penstock.dev/cause", "Change"}}}}},
          {"spec", {{"pipelineRef", {{"name", "flights"}}}}}};
}

class StandingClock : public Clock {
 public:
  [[nodiscard]] TimePoint Now() const override { return TimePoint(std::chrono::hours(500'000)); }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override { return {}; }
};

class RunLookup : public ::testing::Test {
 protected:
  void Create(const Json& run) {
    ASSERT_TRUE(cluster_.Create(kube::kPipelineRuns, "default", run));
  }
  std::string Found(const std::string& name) {
    const auto run = FindClusterRun(cluster_, "default", name);
    return run ? run->at("metadata").value("name", "") : run.error().message;
  }

  StandingClock clock_;  // all are of one second
  local::MemoryCluster cluster_{clock_};
};

TEST_F(RunLookup, OfRunsOfOneSecondTheGreaterNumberIsTheNewestNotTheLaterText) {
  for (const int number : {8, 9, 10}) Create(RunOf("a1", number));
  EXPECT_EQ(Found("flights"), "flights-a1-10");
  EXPECT_EQ(Found("flights-a1-9"), "flights-a1-9");
  EXPECT_EQ(Found("rains"), "there is no run or pipeline \"rains\" in namespace default");
}

TEST_F(RunLookup, OfTwoChangesOfOneSecondTheLastSeenIsTheNewest) {
  Create(RunOf("a1", 1));
  Create(RunOf("b2", 1));
  EXPECT_EQ(Found("flights"), "flights-b2-1");
  ASSERT_TRUE(cluster_.Create(kube::kPipelines, "default", {{"metadata", {{"name", "flights"}}}}));
  Json pipeline = *cluster_.Get(kube::kPipelines, "default", "flights");
  pipeline["status"]["observedRunHash"] = "a1";
  ASSERT_TRUE(cluster_.Update(kube::kPipelines, "default", "flights", pipeline, "status"));
  EXPECT_EQ(Found("flights"), "flights-a1-1");
}

TEST_F(RunLookup, TheRunsBeforeOneAreInTheOrderInWhichTheyWereAskedFor) {
  for (const int number : {8, 9, 10}) Create(RunOf("a1", number));
  const RunArchive archive(cluster_, "default");
  const auto run = ReadRun(*cluster_.Get(kube::kPipelineRuns, "default", "flights-a1-8"));
  ASSERT_TRUE(run) << run.error().message;
  std::vector<std::string> names;
  const auto before = archive.Before(*run);
  ASSERT_TRUE(before) << before.error().message;
  for (const KnownRun& other : *before) names.push_back(other.run.meta.name);
  EXPECT_THAT(names, ElementsAre("flights-a1-10", "flights-a1-9"));
}

TEST(PodsOf, SaysWhyAStepHasNone) {
  const Json run = {{"metadata", {{"name", "r"}}},
                    {"status",
                     {{"steps",
                       {{{"name", "b"}, {"phase", "Skipped"}, {"message", "step a failed"}},
                        {{"name", "c"}, {"phase", "Waiting"}},
                        {{"name", "go"},
                         {"phase", "Running"},
                         {"message", "waits for an approval"},
                         {"startTime", "2026-11-29T12:00:00Z"}}}}}}};
  EXPECT_EQ(PodsOf(run, "b").error().message,
            "step b has not started: it is Skipped (step a failed)");
  EXPECT_EQ(PodsOf(run, "c").error().message, "step c has not started: it is Waiting");
  EXPECT_EQ(PodsOf(run, "d").error().message, "run r has no step d; it has b, c, go");
  EXPECT_EQ(PodsOf(run, "go").error().message,
            "step go has no pod: it is Running (waits for an approval)");
}

TEST(PodsOf, TellsALoopFromOtherStepsAndWhichItemWasAskedFor) {
  const Json run = {{"metadata", {{"name", "r"}}},
                    {"status",
                     {{"steps",
                       {{{"name", "each"}, {"phase", "Running"}, {"items", {{"total", 3}}}},
                        {{"name", "use"}, {"phase", "Running"}, {"pod", "r-use-1"}}}}}}};
  const auto all = PodsOf(run, "");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 2U);
  EXPECT_TRUE(all->at(0).looped);
  EXPECT_FALSE(all->at(0).item);
  EXPECT_FALSE(all->at(1).looped);
  const auto one = PodsOf(run, "each.2");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->at(0).step, "each");
  EXPECT_EQ(one->at(0).item, 2);
  EXPECT_EQ(PodsOf(run, "use.0").error().message, "step use is no loop: it has no item use.0");
}

// Two attempts of the second item, and the run of another step.
TEST_F(RunLookup, TheRunsOfItemsAreThoseOfTheNewestAttempts) {
  KnownRun parent;
  parent.run.meta.name = "top";
  parent.run.meta.uid = "uid-top";
  const auto child = [&](const std::string& step, int item, int attempt) {
    std::string name = plan::PodName("top", "uid-top", step, attempt, item);
    Create({{"apiVersion", "penstock.dev/v1alpha1"},
            {"kind", "PipelineRun"},
            {"metadata",
             {{"name", name},
              {"namespace", "default"},
              {"labels",
               {{"penstock.dev/parent-uid", "uid-top"},
                {"penstock.dev/step", step},
                {"penstock.dev/item", std::to_string(item)},
                {"penstock.dev/attempt", std::to_string(attempt)}}}}},
            {"spec", {{"pipelineRef", {{"name", "flights"}}}}}});
    return name;
  };
  child("each", 1, 1);
  const std::string second = child("each", 1, 2), first = child("each", 0, 1);
  child("other", 0, 1);
  const RunArchive archive(cluster_, "default");
  const auto runs = archive.OfItems(parent, "each");
  ASSERT_TRUE(runs) << runs.error().message;
  std::vector<std::string> names;
  for (const KnownRun& run : *runs) names.push_back(run.run.meta.name);
  EXPECT_THAT(names, ElementsAre(first, second));
}

}  // namespace
}  // namespace penstock::cli
