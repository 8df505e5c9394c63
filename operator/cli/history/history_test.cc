#include <gmock/gmock.h>

#include "operator/api/codec.h"
#include "operator/cli/history/difference_text.h"
#include "operator/cli/history/run_change.h"
#include "operator/cli/history/step_makers.h"
#include "operator/cli/history/story_text.h"
#include "operator/views/run/run_story.h"
#include "operator/views/run/step_makers.h"

namespace penstock::cli {
namespace {

using views::ItemRuns;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string Digest(char c) { return "sha256:" + std::string(64, c); }

plan::ResolvedInput InputOf(const std::string& name) {
  plan::ResolvedInput input;
  input.name = name;
  return input;
}

// ingest of a URI, train with a parameter, as run `name` ended.
KnownRun RunOf(const std::string& name, int epochs, const std::string& etag, bool cached = false) {
  KnownRun known;
  api::PipelineRun& run = known.run;
  run.meta.name = name;
  run.meta.namespace_ = "team";
  run.spec.pipeline_ref = "flights";
  api::StepStatus ingest, train;
  ingest.name = "ingest";
  ingest.phase = train.phase = api::StepPhase::kSucceeded;
  ingest.cached = cached;
  ingest.pod = cached ? "" : name + "-ingest";
  ingest.cache_key = std::string(64, '1');
  ingest.sources = {{"source", etag}};
  ingest.outputs = {{"dataset", "dataset", Digest('a'), true, 7}};
  train.name = "train";
  train.pod = name + "-train";
  train.cache_key = std::string(64, static_cast<char>('0' + epochs % 10));
  train.cache_miss = "NotFound";
  train.outputs = {{"model", "model", Digest('b'), true, 70}};
  train.results = {{"auc", epochs / 8.0}, {"note", "long text"}};
  run.status.steps = {ingest, train};
  run.status.outputs = {{"model", "model", Digest('b'), true, 70, name}};
  for (const char* type : {"Finished", "Succeeded"}) {
    run.status.conditions.push_back(
        {type, api::ConditionStatus::kTrue, "Succeeded", "2 of 2 steps have succeeded", 1, {}});
  }
  known.object = api::Encode(run);

  plan::ResolvedRun& spec = known.resolved.emplace();
  spec.pipeline = "flights";
  spec.parameters = {{"epochs", epochs}};
  spec.outputs = {{"model", "$(steps.train.outputs.model)"}};
  plan::ResolvedStep a, b;
  a.name = "ingest";
  a.container.image = b.container.image = "tool@" + Digest('9');
  a.inputs = {InputOf("source")};
  a.inputs[0].uri = "https://h/x.csv";
  a.outputs = {{"dataset", "dataset", false, ""}};
  b.name = "train";
  b.inputs = {InputOf("train")};
  b.inputs[0].step = "ingest";
  b.inputs[0].output = "dataset";
  b.parameters["epochs"] = {Json(epochs), false, {}};
  b.outputs = {{"model", "model", false, ""}};
  spec.steps = {a, b};
  return known;
}

std::vector<std::string> Whats(const std::vector<Difference>& differences) {
  std::vector<std::string> whats;
  for (const Difference& d : differences) whats.push_back(Describe(d));
  return whats;
}

// Three items, of which one failed, as runs of a Pipeline.
TEST(TellRun, ListsTheRunsOfALoopsItemsThoseThatDidNotSucceedFirst) {
  KnownRun run = RunOf("r-1", 7, "v1");
  api::StepStatus& train = run.run.status.steps[1];
  train.items = api::ItemsStatus{3, "0,2", "1", "", 0, 0, "", {}};
  run.resolved->steps[1].nested.emplace();
  ItemRuns of_items;
  for (int i = 0; i < 3; ++i) {
    KnownRun item = RunOf("r-1-train-" + std::to_string(i) + "-1-0a1b2c3d", 7, "v1");
    item.run.meta.labels = {{"penstock.dev/step", "train"},
                            {"penstock.dev/item", std::to_string(i)},
                            {"penstock.dev/attempt", "1"}};
    if (i == 1)
      for (api::Condition& c : item.run.status.conditions)
        if (c.type == "Succeeded") c.status = api::ConditionStatus::kFalse;
    item.object = api::Encode(item.run);
    of_items["train"].push_back(item);
  }
  const Json story = TellRun(run, {}, of_items);
  EXPECT_EQ(story["steps"][1]["items"]["failed"], "1");
  EXPECT_EQ(story["steps"][1]["items"]["runs"][1]["status"], "Failed");
  EXPECT_FALSE(story["steps"][1].contains("cacheMiss")) << "a run has no key of its own";
  const std::string text = StoryText(story, TimePoint());
  EXPECT_THAT(text, HasSubstr("    Items:   3, succeeded 0,2, failed 1\n"));
  const auto failed = text.find("r-1-train-1-1"), well = text.find("r-1-train-0-1");
  ASSERT_NE(failed, std::string::npos) << text;
  EXPECT_LT(failed, well) << text;
}

TEST(RunIngredients, NameWhatOfAStepsKeyIsAnother) {
  const KnownRun one = RunOf("r-1", 5, "v1"), two = RunOf("r-2", 7, "v2");
  EXPECT_THAT(Whats(Compare(IngredientsOf(one, "train"), IngredientsOf(two, "train"))),
              ElementsAre("parameters.epochs was 5, is 7"));
  EXPECT_THAT(Whats(Compare(IngredientsOf(one, "ingest"), IngredientsOf(two, "ingest"))),
              ElementsAre("sources.source was https://h/x.csv v1, is https://h/x.csv v2"));
  EXPECT_THAT(Compare(IngredientsOf(one, "train"), IngredientsOf(one, "train")), IsEmpty());
}

TEST(RunIngredients, SayWhatIsNewOrGoneAndNotThatAListWasEmpty) {
  EXPECT_THAT(Whats(Compare(Leaves({{"a", Json::array()}, {"b", 1}}),
                            Leaves({{"a", {"x"}}, {"c", Json::object()}}))),
              ElementsAre("a[0] is new: x", "b is gone: 1", "c is new: {}"));
}

TEST(RunStory, TellsWhyAStepRanAndWhoMadeWhatACachedOneTook) {
  const std::vector<KnownRun> older{RunOf("r-1", 5, "v1")};
  const KnownRun run = RunOf("r-2", 7, "v1", true);
  const Json story = TellRun(run, older);
  EXPECT_EQ(story["steps"][0]["cachedFrom"], "r-1");
  EXPECT_EQ(story["steps"][1]["comparedWith"], "r-1");
  EXPECT_EQ(story["steps"][1]["differences"][0]["what"], "parameters.epochs");
  EXPECT_EQ(story["steps"][1]["results"]["note"], "long text");
  EXPECT_EQ(story["outputs"][0]["lineage"][0]["step"], "train");
  EXPECT_EQ(story["outputs"][0]["lineage"][1]["step"], "ingest");
  EXPECT_EQ(story["outputs"][0]["lineage"][1]["inputs"][0]["fingerprint"], "v1");

  const std::string text = StoryText(story, TimePoint());
  EXPECT_THAT(text, HasSubstr("Cache:   taken from it; made by r-1\n"));
  EXPECT_THAT(text, HasSubstr("since r-1:\n               parameters.epochs was 5, is 7\n"));
  EXPECT_THAT(text, HasSubstr("      source   https://h/x.csv (v1)\n"));
  EXPECT_THAT(text, HasSubstr("  model   " + Digest('b') +
                              "   70 B\n    train    <- sha256:aaaaaaaa"
                              " of ingest.dataset\n"));
}

TEST(RunStory, SaysWhyWhatARunBeforeMadeWasNotKept) {
  std::vector<KnownRun> older{RunOf("r-1", 5, "v1")};
  older[0].run.status.steps[1].cache_miss = "NotReusable: it reads the clock";
  KnownRun run = RunOf("r-2", 5, "v1", true);
  const char* before = "what r-1 made was not kept: NotReusable: it reads the clock\n";
  EXPECT_THAT(StoryText(TellRun(run, older), TimePoint()), HasSubstr(before));
  run.run.status.steps[1].cache_miss = "NotReusable: it reads the clock";  // since it has ended
  EXPECT_THAT(
      StoryText(TellRun(run, older), TimePoint()),
      AllOf(HasSubstr("not taken: NotReusable: it reads the clock\n"), Not(HasSubstr(before))));
}

TEST(RunStory, SaysThatTheRunThatMadeACachedStepIsGone) {
  const Json story = TellRun(RunOf("r-2", 7, "v1", true), {});
  EXPECT_THAT(StoryText(story, TimePoint()), HasSubstr("the run that made it is gone"));
  EXPECT_THAT(StoryText(story, TimePoint()), HasSubstr("no run before has made this step"));
}

TEST(RunStory, TheRunThatTheStatusNamesMadeItAndNoOtherThatMadeTheSame) {
  const std::vector<KnownRun> older{RunOf("r-2", 5, "v1"), RunOf("r-1", 5, "v1")};
  KnownRun run = RunOf("r-3", 7, "v1", true);
  EXPECT_EQ(MakerOf(run.run.status.steps[0], older).run, &older[0]) << "of an older entry";
  run.run.status.steps[0].cached_from = "r-1";
  EXPECT_EQ(MakerOf(run.run.status.steps[0], older).run, &older[1]);
  EXPECT_EQ(TellRun(run, older)["steps"][0]["cachedFrom"], "r-1");

  run.run.status.steps[0].cached_from = "r-0";  // which is deleted
  EXPECT_EQ(MakerOf(run.run.status.steps[0], older).run, nullptr);
  EXPECT_THAT(StoryText(TellRun(run, older), TimePoint()),
              HasSubstr("made by r-0, which is gone\n"));
}

TEST(RunStory, AnotherPipelinesRunIsNoRunBefore) {
  std::vector<KnownRun> older{RunOf("other-1", 5, "v1")};
  older[0].run.spec.pipeline_ref = "other";
  EXPECT_EQ(BeforeOf(RunOf("r-2", 7, "v1"), "train", older), nullptr);
  // but the cache is the namespace's
  EXPECT_EQ(MakerOf(RunOf("r-2", 7, "v1", true).run.status.steps[0], older).run, &older[0]);
}

TEST(RunDifference, PutsParametersDataAndMetricsSideBySide) {
  const Json difference = DiffRuns(RunOf("r-1", 5, "v1"), RunOf("r-2", 7, "v2"));
  EXPECT_EQ(Format(DiffTable(difference)),
            "STEP     WHAT                r-1                  r-2\n"
            "-        parameters.epochs   5                    7\n"
            "ingest   sources.source      https://h/x.csv v1   https://h/x.csv v2\n"
            "train    parameters.epochs   5                    7\n"
            "train    auc                 0.625                0.875\n");
}

TEST(RunDifference, ShowsNoMetricThatIsEqualAndOfLongTextsWhereTheyDiffer) {
  Json difference = DiffRuns(RunOf("r-1", 5, "v1"), RunOf("r-2", 5, "v1"));
  difference["metrics"] = Json::array();
  difference["metrics"].push_back(
      {{"step", "train"}, {"what", "auc"}, {"before", 0.5}, {"after", 0.5}});
  EXPECT_THAT(DiffTable(difference).rows, IsEmpty());
  const std::string same(100, 'x');
  difference["parameters"].push_back(
      {{"step", ""}, {"what", "query"}, {"before", same + "one"}, {"after", same + "zwei"}});
  difference["parameters"].push_back(
      {{"step", ""}, {"what", "end"}, {"before", same}, {"after", same + "!"}});
  const auto rows = DiffTable(difference).rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][2], "…xxxxxxxxone");
  EXPECT_EQ(rows[0][3], "…xxxxxxxxzwei");
  EXPECT_EQ(rows[1][2], "…xxxxxxxx");
  EXPECT_EQ(rows[1][3], "…xxxxxxxx!");
}

TEST(RunDifference, SaysWhichRunHasAStepThatTheOtherHasNot) {
  KnownRun one = RunOf("r-1", 5, "v1");
  const KnownRun two = RunOf("r-2", 5, "v1");
  one.run.status.steps.pop_back();
  const Json difference = DiffRuns(one, two);
  EXPECT_EQ(difference["steps"][0],
            Json({{"step", "train"}, {"what", "step"}, {"before", nullptr}, {"after", "there"}}));
}

AskSource Holds(const std::string& print) {
  return [print](const std::string&) { return sources::Fingerprint{print, "refused"}; };
}

TEST(RunChange, IsNoneWhileSpecAndSourcesAreTheSame) {
  const KnownRun last = RunOf("r-1", 5, "v1");
  EXPECT_THAT(WhatChanged(RunOf("r-2", 5, "v1"), &last, Holds("v1")).why, IsEmpty());
  EXPECT_EQ(WhatChanged(RunOf("r-2", 5, "v1"), &last, Holds("v1")).since, "r-1");
}

TEST(RunChange, IsAParameterOrASourceAndNamesIt) {
  const KnownRun last = RunOf("r-1", 5, "v1");
  EXPECT_THAT(WhatChanged(RunOf("r-2", 6, "v1"), &last, Holds("v1")).why,
              ElementsAre("parameters.epochs was 5, is 6",
                          "steps.train.parameters.epochs.value was 5, is 6"));
  EXPECT_THAT(WhatChanged(RunOf("r-2", 5, "v1"), &last, Holds("v2")).why,
              ElementsAre("step ingest: https://h/x.csv holds something else: was v1, is v2"));
}

TEST(RunChange, WhatCannotBeToldCountsAsChanged) {
  KnownRun last = RunOf("r-1", 5, "v1");
  const KnownRun run = RunOf("r-2", 5, "v1");
  EXPECT_THAT(WhatChanged(run, &last, Holds("")).why,
              ElementsAre("step ingest: https://h/x.csv tells nothing of what it holds (refused)"));
  last.run.status.steps[0].sources.clear();
  EXPECT_THAT(WhatChanged(run, &last, Holds("v1")).why,
              ElementsAre("step ingest: it is not known what https://h/x.csv held then"));
  last.resolved.reset();
  EXPECT_THAT(WhatChanged(run, &last, Holds("v1")).why,
              ElementsAre("what r-1 was made of is not kept"));
  EXPECT_THAT(WhatChanged(run, nullptr, Holds("v1")).why,
              ElementsAre("no run of it has succeeded yet"));
}

TEST(RunChange, WhatThePipelineItselfPublishedIsNoChange) {
  KnownRun last = RunOf("r-1", 5, "v1"), run = RunOf("r-2", 5, "v1");
  plan::ResolvedInput baseline = InputOf("baseline");
  baseline.of_own_pipeline = true;
  last.resolved->steps[1].inputs.push_back(baseline);
  baseline.artifact = ArtifactRef{Digest('c'), true, 1};
  run.resolved->steps[1].inputs.push_back(baseline);
  EXPECT_THAT(WhatChanged(run, &last, Holds("v1")).why, IsEmpty());
}

TEST(RunChange, LooksAtTheNewestRunThatSucceeded) {
  std::vector<KnownRun> older{RunOf("r-3", 5, "v1"), RunOf("r-2", 5, "v1"), RunOf("r-1", 5, "v1")};
  older[0].run.status.conditions[1].status = api::ConditionStatus::kFalse;
  EXPECT_EQ(LastSucceeded(RunOf("r-4", 5, "v1"), older), &older[1]);
  api::SetCondition(older[1].run.status.conditions,
                    {"LastGoodUsed", api::ConditionStatus::kTrue, "StepFailed", "", 1, {}}, {});
  EXPECT_EQ(LastSucceeded(RunOf("r-4", 5, "v1"), older), &older[2])
      << "a step of it has failed, and something older stood in";
}

}  // namespace
}  // namespace penstock::cli
