// A Pipeline that follows what others gave.
#include <gmock/gmock.h>

#include "operator/plan/pipeline/pipeline_plan.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TriggeredPipeline : public ::testing::Test {
 protected:
  TriggeredPipeline() {
    o_.pipeline.meta.name = "flights";
    o_.pipeline.meta.uid = "p-uid";
    o_.pipeline.meta.generation = 1;
    SetSpec("triggers: [{pipeline: raw, output: table}]\n");
  }
  void SetSpec(const std::string& yaml) {
    o_.pipeline.spec = Spec("runPolicy: Manual\n" + yaml +
                            "steps:\n- {name: s, container: {image: i, command: [a]}}\n");
  }
  void Publish(char c) { o_.followed["raw.table"] = Digest(c); }

  // The runs that one visit makes; `write`: its status reaches the API server.
  std::vector<std::string> Visit(bool write = true) {
    plan_ = PlanPipeline(o_, now_);
    std::vector<std::string> made;
    for (const auto& action : plan_.actions) {
      const auto* create = std::get_if<CreateRun>(&action);
      if (create == nullptr) continue;
      auto run = api::DecodePipelineRun(create->run);
      EXPECT_TRUE(run.errors.empty()) << api::Describe(run.errors);
      for (const auto& r : o_.runs) EXPECT_NE(r.meta.name, create->name);
      run.value.meta.created = WholeSeconds(now_);
      o_.runs.push_back(run.value);
      made.push_back(create->name);
    }
    if (write) o_.pipeline.status = plan_.status;
    now_ += 1s;
    return made;
  }
  // Until nothing is left to write.
  std::size_t Runs() {
    std::size_t made = 0;
    for (int i = 0; i < 4; ++i) made += Visit().size();
    return made;
  }
  void EndAll() {
    for (auto& run : o_.runs)
      for (const char* type : {"Finished", "Succeeded"})
        api::SetCondition(run.status.conditions,
                          {type, api::ConditionStatus::kTrue, "Succeeded", "", 1, {}}, now_);
  }

  PipelineObserved o_;
  PipelinePlan plan_;
  TimePoint now_ = kNoon;
};

TEST_F(TriggeredPipeline, RunsOnceForEachNewOutputAndNotForWhatWasThere) {
  Publish('a');
  EXPECT_EQ(Runs(), 0U);
  Publish('b');
  EXPECT_EQ(Runs(), 1U);
  EXPECT_EQ(o_.runs[0].meta.labels.at(kLabelCause), "Trigger");
  EXPECT_THAT(o_.runs[0].meta.name, testing::MatchesRegex("flights-trigger-[0-9a-f]+-1"));
  EXPECT_EQ(o_.runs[0].meta.annotations.at(kTriggeredBy), "raw.table");
  EndAll();
  EXPECT_EQ(Runs(), 0U);
  Publish('a');
  EXPECT_EQ(Runs(), 1U);
  EndAll();
  Publish('b');
  EXPECT_EQ(Runs(), 1U) << "it is another than before, though there has been a run of it";
}

TEST_F(TriggeredPipeline, RunsForTheFirstOutputThatThereIs) {
  EXPECT_EQ(Runs(), 0U);
  Publish('a');
  EXPECT_EQ(Runs(), 1U);
}

TEST_F(TriggeredPipeline, MakesNoSecondRunWhereItsStatusWasNotWritten) {
  Publish('a');
  Visit();
  Publish('b');
  EXPECT_THAT(Visit(), IsEmpty()) << "first it is written that it was seen";
  EXPECT_EQ(Visit(false).size(), 1U);
  EXPECT_EQ(Runs(), 0U);
  o_.runs.clear();
  EXPECT_EQ(Runs(), 0U);
}

TEST_F(TriggeredPipeline, WaitsUntilTheOutputHasStoodForSoLong) {
  SetSpec("triggers: [{pipeline: raw, output: table, debounce: 1m}]\n");
  Publish('a');
  Visit();
  Publish('b');
  EXPECT_EQ(Runs(), 0U);
  ASSERT_TRUE(plan_.requeue_after);
  EXPECT_LE(*plan_.requeue_after, 60s);
  now_ += 40s;
  Publish('c');
  EXPECT_EQ(Runs(), 0U);
  now_ += 40s;
  EXPECT_EQ(Runs(), 0U) << "it changed again 44 s ago";
  now_ += 20s;
  EXPECT_EQ(Runs(), 1U);
}

TEST_F(TriggeredPipeline, ForgetsAnOutputThatWentBack) {
  SetSpec("triggers: [{pipeline: raw, output: table, debounce: 1m}]\n");
  Publish('a');
  Visit();
  Publish('b');
  Visit();
  Publish('a');
  now_ += 5min;
  EXPECT_EQ(Runs(), 0U);
  EXPECT_EQ(o_.pipeline.status.triggers.at(0).seen, "");
}

TEST_F(TriggeredPipeline, WaitsForItsTurnAndForTheEndOfSuspend) {
  Publish('a');
  Visit();
  Publish('b');
  ASSERT_EQ(Runs(), 1U);
  Publish('c');
  EXPECT_EQ(Runs(), 0U);
  EXPECT_THAT(api::FindCondition(plan_.status.conditions, "Ready")->message,
              HasSubstr("the new output raw.table waits for the end of the run before"));
  EndAll();
  o_.pipeline.spec.suspend = true;
  EXPECT_EQ(Runs(), 0U);
  o_.pipeline.spec.suspend = false;
  EXPECT_EQ(Runs(), 1U);
}

TEST_F(TriggeredPipeline, FollowsASourceOfWhichNothingIsKnownAtFirst) {
  SetSpec("triggers: [{source: 'https://example.com/a.csv'}]\n");
  EXPECT_EQ(Runs(), 0U);
  EXPECT_TRUE(o_.pipeline.status.triggers.empty()) << "it was not asked yet";
  o_.followed["https://example.com/a.csv"] = Digest('a');
  EXPECT_EQ(Runs(), 0U);
  o_.followed.clear();  // the operator has started anew
  EXPECT_EQ(Runs(), 0U);
  EXPECT_EQ(o_.pipeline.status.triggers.at(0).settled, Digest('a'));
  o_.followed["https://example.com/a.csv"] = Digest('b');
  EXPECT_EQ(Runs(), 1U);
}

std::string Numbered(const std::string& run, const std::string& number) {
  return run.substr(0, run.rfind('-') + 1) + number;
}

// The count of the runs that were there named one of them: it passed for the run that was asked
// for.
TEST_F(TriggeredPipeline, NamesNoRunAsOneThatIsThereWhenAnOlderOneWasDeleted) {
  Publish('a');
  Visit();
  for (const char c : {'b', 'a', 'b'}) {
    Publish(c);
    ASSERT_EQ(Runs(), 1U);
    EndAll();
  }
  ASSERT_EQ(o_.runs[2].meta.name, Numbered(o_.runs[0].meta.name, "2")) << "b again";
  o_.runs.erase(o_.runs.begin());
  for (const char c : {'a', 'b'}) {
    Publish(c);
    ASSERT_EQ(Runs(), 1U);
    EndAll();
  }
  EXPECT_EQ(o_.runs.back().meta.name, Numbered(o_.runs[1].meta.name, "3"));
}

TEST_F(TriggeredPipeline, ADebounceEndsThoughTheClockWentBack) {
  SetSpec("triggers: [{pipeline: raw, output: table, debounce: 1m}]\n");
  Publish('a');
  Visit();
  Publish('b');
  EXPECT_EQ(Runs(), 0U);
  now_ -= 24h * 365;
  EXPECT_EQ(Runs(), 0U);
  now_ += 1min;
  EXPECT_EQ(Runs(), 1U);
}

TEST_F(TriggeredPipeline, OfTwoOutputsAtOnceMakesOneRun) {
  SetSpec("triggers: [{pipeline: raw, output: table}, {pipeline: other, output: list}]\n");
  Publish('a');
  Visit();
  Publish('b');
  o_.followed["other.list"] = Digest('c');
  EXPECT_EQ(Runs(), 1U);
}

}  // namespace
}  // namespace penstock::plan
