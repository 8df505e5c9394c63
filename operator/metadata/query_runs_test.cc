// Lists of runs, comparisons, changes, stories and lineage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/metadata/packed.h"
#include "operator/metadata/query.h"
#include "operator/metadata/testing/any_database.h"

namespace penstock::metadata {
namespace {

using ::testing::ElementsAre;
namespace fs = std::filesystem;

TimePoint Second(int n) { return TimePoint(std::chrono::seconds(1'790'000'000 + n)); }
std::string DigestOf(char c) { return "sha256:" + std::string(64, c); }

class QueryRuns : public AnyDatabase {
 protected:
  void SetUp() override {
    AnyDatabase::SetUp();
    if (database_ != nullptr) recorder_ = OpenRecorder();
  }
  void Record(RunRecord run) {
    recorder_->RecordRun(std::move(run));
    recorder_->Flush();
  }
  static RunRecord RunAt(int second, const std::string& name, const std::string& pipeline = "p") {
    RunRecord run;
    run.uid = "uid-" + name;
    run.namespace_ = "team";
    run.name = name;
    run.pipeline = pipeline;
    run.created = Second(second);
    run.phase = "Succeeded";
    run.outcome = "Succeeded";
    return run;
  }
  static std::vector<std::string> NamesOf(const RunPage& page) {
    std::vector<std::string> names;
    for (const RunRecord& run : page.runs) names.push_back(run.name);
    return names;
  }
  RunFilter Team() const {
    RunFilter filter;
    filter.namespace_ = "team";
    return filter;
  }

  std::unique_ptr<BatchRecorder> recorder_;
};
INSTANTIATE_TEST_SUITE_P(On, QueryRuns, ::testing::Values(Kind::kSqlite, Kind::kPostgres),
                         NameOfKind);

TEST_P(QueryRuns, PagesGoThroughRunsOfOneSecondWithoutLossOrRepetition) {
  for (int i = 0; i < 7; ++i) Record(RunAt(i / 3, "r" + std::to_string(i)));
  std::vector<std::string> all;
  std::string after;
  do {
    const auto page = query().Page(Team(), 2, after);
    ASSERT_TRUE(page) << page.error().message;
    for (const std::string& name : NamesOf(*page)) all.push_back(name);
    after = page->next;
  } while (!after.empty());
  EXPECT_THAT(all, ElementsAre("r6", "r5", "r4", "r3", "r2", "r1", "r0"));
}

TEST_P(QueryRuns, ANewRunBetweenTwoPagesMovesNothing) {
  for (int i = 0; i < 4; ++i) Record(RunAt(i, "r" + std::to_string(i)));
  const auto first = query().Page(Team(), 2);
  Record(RunAt(9, "new"));
  const auto second = query().Page(Team(), 2, first->next);
  EXPECT_THAT(NamesOf(*second), ElementsAre("r1", "r0"));
  EXPECT_EQ(second->next, "");
}

TEST_P(QueryRuns, FiltersAreHeldTogether) {
  RunRecord failed = RunAt(1, "a-failed", "a");
  failed.phase = "Failed";
  failed.cause = "Schedule";
  failed.user = "alice";
  failed.labels = {{"team", "x"}};
  failed.counts = {5, 3, 1, 0, 2, 1};
  Record(failed);
  Record(RunAt(2, "a-good", "a"));
  Record(RunAt(3, "b-good", "b"));
  RunFilter filter = Team();
  filter.pipeline = "a";
  EXPECT_THAT(NamesOf(*query().Page(filter, 9)), ElementsAre("a-good", "a-failed"));
  filter.cause = "Schedule";
  filter.phase = "Failed";
  filter.text = "fail";
  const auto page = query().Page(filter, 9);
  ASSERT_THAT(NamesOf(*page), ElementsAre("a-failed"));
  EXPECT_EQ(page->runs[0].user, "alice");
  EXPECT_EQ(page->runs[0].labels.at("team"), "x");
  EXPECT_EQ(page->runs[0].counts.cached, 2);
  filter.namespace_ = "other";
  EXPECT_TRUE(query().Page(filter, 9)->runs.empty());
}

TEST_P(QueryRuns, WhatIsNoPageIsRefused) {
  for (const char* after : {"x", "12", ".", "9999999999999999999999.u"}) {
    const auto page = query().Page(Team(), 2, after);
    ASSERT_FALSE(page) << after;
    EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
  }
}

TEST_P(QueryRuns, ChangesComeInTheirOrderAndARunOnceMoreWhenItChanges) {
  Record(RunAt(1, "one"));
  const long long begin = *query().NewestChange();
  Record(RunAt(2, "two"));
  Record(RunAt(1, "one"));
  const auto changes = query().Changes(begin, 10);
  ASSERT_EQ(changes->size(), 2U);
  EXPECT_EQ(changes->at(0).run.name, "two");
  EXPECT_EQ(changes->at(1).run.name, "one");
  EXPECT_EQ(changes->at(1).at, *query().NewestChange());
}

TEST_P(QueryRuns, AStoryIsGivenBackWithWhatItsRunWasPinnedTo) {
  RunRecord run = RunAt(1, "told");
  run.revision = "penstock-1";
  EXPECT_EQ(query().StoryOf("team", "told").error().kind, ErrorKind::kNotFound);
  Record(run);
  EXPECT_EQ(query().StoryOf("team", "told").error().kind, ErrorKind::kNotFound);
  run.object = Json{{"kind", "PipelineRun"}, {"text", std::string(100'000, 'x')}}.dump();
  run.spec = R"({"kind":"ControllerRevision"})";
  Record(run);
  const auto story = query().StoryOf("team", "told");
  ASSERT_TRUE(story) << story.error().message;
  EXPECT_EQ(story->object.dump(), run.object);
  EXPECT_EQ(story->spec->at("kind"), "ControllerRevision");
  if (schema_ == nullptr) {
    EXPECT_LT(fs::file_size(folder_ / "metadata.sqlite-wal"), 400'000U) << "it is not compressed";
  }
}

TEST(Packed, ADamagedStoryIsToldAndNotShown) {
  EXPECT_EQ(Unpack(Pack("text")).value(), "text");
  EXPECT_FALSE(Unpack("no base64!"));
  std::string cut = Pack(std::string(1'000, 'x'));
  cut.resize(cut.size() / 8 * 4);
  EXPECT_FALSE(Unpack(cut));
}

RunRecord Made(const std::string& name, int second, bool cached) {
  RunRecord run;
  run.uid = "uid-" + name;
  run.namespace_ = "team";
  run.name = name;
  run.created = Second(second);
  StepRecord ingest, train;
  ingest.name = "ingest";
  train.name = "train";
  ingest.cached = cached;
  ingest.phase = train.phase = "Succeeded";
  ingest.attempt = train.attempt = 1;
  ingest.inputs = {{"source", "file", "", "https://x/y.csv", false, 0, "etag"}};
  ingest.outputs = {{"dataset", "dataset", DigestOf('d'), "", true, 9}};
  train.inputs = {{"train", "dataset", DigestOf('d'), "", true, 9}};
  train.outputs = {{"model", "model", DigestOf(name.back()), "", true, 7}};
  train.results = {{"auc", 0.5}, {"note", "text"}};
  run.steps = {ingest, train};
  return run;
}

TEST_P(QueryRuns, LineageGoesToTheStepThatMadeAnArtifactNotToOneThatTookItFromTheCache) {
  Record(Made("run-a", 1, false));
  Record(Made("run-b", 2, true));
  const auto graph = query().Walk("team", {DigestOf('b')}, {});
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->steps.size(), 2U);
  EXPECT_EQ(graph->steps[0].run, "run-b");
  EXPECT_EQ(graph->steps[0].step, "train");
  EXPECT_EQ(graph->steps[1].run, "run-a");
  EXPECT_EQ(graph->steps[1].step, "ingest");
  bool file = false;
  for (const auto& use : graph->uses)
    file = file || (use.what.uri == "https://x/y.csv" && use.what.fingerprint == "etag" && use.in);
  EXPECT_TRUE(file);
  EXPECT_FALSE(graph->cut);
}

TEST_P(QueryRuns, LineageGoesDownToAllThatWasMadeOfAnArtifact) {
  Record(Made("run-a", 1, false));
  Record(Made("run-b", 2, true));
  LineageOptions down;
  down.up = false;
  down.down = true;
  const auto graph = query().Walk("team", {DigestOf('d')}, down);
  ASSERT_EQ(graph->steps.size(), 2U);
  EXPECT_EQ(graph->steps[0].run, "run-a");
  EXPECT_EQ(graph->steps[1].run, "run-b");
  down.most = 1;
  EXPECT_TRUE(query().Walk("team", {DigestOf('d')}, down)->cut);
}

TEST_P(QueryRuns, ComparesNumbersAndWhatWasReadAndNamesARunThatNeverWas) {
  Record(Made("run-a", 1, false));
  const auto runs = query().Compared("team", {"run-a", "run-a"});
  ASSERT_EQ(runs->size(), 2U);
  std::map<std::string, StepRecord> steps;
  for (const StepRecord& step : runs->at(0).steps) steps[step.name] = step;
  EXPECT_EQ(steps["train"].results.at("auc"), 0.5);
  EXPECT_EQ(steps["train"].results.at("note"), "text");
  EXPECT_EQ(steps["ingest"].inputs.at(0).fingerprint, "etag");
  const auto absent = query().Compared("team", {"run-a", "absent"});
  EXPECT_EQ(absent.error().kind, ErrorKind::kNotFound);
}

TEST_P(QueryRuns, ListsNamespacesAndPods) {
  Record(Made("run-a", 1, false));
  RunRecord other = RunAt(1, "x");
  other.namespace_ = "alpha";
  Record(other);
  EXPECT_THAT(*query().Namespaces(10), ElementsAre("alpha", "team"));
  EXPECT_THAT(*query().Namespaces(1), ElementsAre("alpha"));
  EXPECT_TRUE(query().Pods("uid-run-a")->empty());
}

}  // namespace
}  // namespace penstock::metadata
