// What holds of history wherever it is kept.
#include "operator/metadata/database.h"

#include <gmock/gmock.h>

#include <set>

#include "operator/metadata/testing/any_database.h"

namespace penstock::metadata {
namespace {

class Databases : public AnyDatabase {};
INSTANTIATE_TEST_SUITE_P(On, Databases, ::testing::Values(Kind::kSqlite, Kind::kPostgres),
                         NameOfKind);

TEST_P(Databases, GivesBackTheWholeRunThatWasRecorded) {
  auto recorder = OpenRecorder();
  recorder->RecordRun(FlightsRun("u1"));
  recorder->Flush();
  auto run = query().Run("team", "flights-u1");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->parameters, (Json{{"minAuc", 0.65}}));
  EXPECT_EQ(run->started, At(1));
  EXPECT_EQ(run->finished, std::nullopt);
  ASSERT_EQ(run->steps.size(), 2u);
  EXPECT_EQ(run->steps[0].pod, "pod-ingest");
  EXPECT_EQ(run->steps[0].inputs.at(0).uri, "https://data.example.com/flights.csv");
  EXPECT_EQ(run->steps[0].outputs.at(0).bytes, 5'000'000'000u);
  EXPECT_TRUE(run->steps[0].outputs.at(0).folder);
  EXPECT_EQ(run->steps[1].results.at("loss"), Json(0.25));
  EXPECT_EQ(run->steps[1].results.at("note"), Json("fine"));
}

TEST_P(Databases, KeepsEarlierAttemptsWhenANewerOneIsRecorded) {
  auto recorder = OpenRecorder();
  RunRecord run = FlightsRun("u1");
  recorder->RecordRun(run);
  recorder->Flush();
  run.steps[1].attempt = 2;
  run.steps[1].pod = "pod-train-2";
  recorder->RecordRun(run);
  recorder->Flush();
  auto attempts = query().Attempts("u1", "train");
  ASSERT_TRUE(attempts) << attempts.error().message;
  ASSERT_EQ(attempts->size(), 2u);
  EXPECT_EQ(attempts->at(0).pod, "pod-train-1");
  EXPECT_EQ(attempts->at(1).pod, "pod-train-2");
}

TEST_P(Databases, ClosingWritesWhatIsStillQueued) {
  OpenRecorder()->RecordRun(FlightsRun("u1"));
  EXPECT_TRUE(query().Run("team", "flights-u1"));
}

// Of the name "r", created so many seconds after the first; its step gives "d" and reads "e".
RunRecord RunNamedR(const std::string& uid, int created, const std::string& pipeline) {
  RunRecord run;
  run.uid = uid;
  run.namespace_ = "team";
  run.name = "r";
  run.pipeline = pipeline;
  run.created = At(created);
  StepRecord step;
  step.name = "make-" + uid;
  step.phase = "Succeeded";
  step.inputs = {{"in", "dataset", "e", "", false, 1}};
  step.outputs = {{"out", "dataset", "d", "", false, 1}};
  step.results = {{"rows", 3}};
  run.steps = {step};
  return run;
}

TEST_P(Databases, GiveARunByItsUidAlsoWhereANewerOneHasItsName) {
  const auto recorder = OpenRecorder();
  recorder->RecordRun(RunNamedR("first", 0, "p"));
  recorder->Flush();
  recorder->RecordRun(RunNamedR("second", 10, "q"));
  recorder->Flush();
  const auto run = query().OfUid("first");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->pipeline, "p");
  ASSERT_EQ(run->steps.size(), 1U);
  EXPECT_EQ(run->steps[0].outputs.at(0).digest, "d");
  EXPECT_EQ(run->steps[0].inputs.at(0).digest, "e");
  EXPECT_EQ(run->steps[0].results.at("rows"), 3);
  const auto none = query().OfUid("third");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kNotFound);
}

TEST_P(Databases, TellWhoMadeAnArtifactFirst) {
  const auto recorder = OpenRecorder();
  recorder->RecordRun(RunNamedR("later", 10, "q"));
  recorder->Flush();
  recorder->RecordRun(RunNamedR("sooner", 0, "p"));
  recorder->Flush();
  const auto maker = query().FirstMaker("team", "d");
  ASSERT_TRUE(maker) << maker.error().message;
  ASSERT_TRUE(*maker);
  EXPECT_EQ((*maker)->pipeline, "p");
  EXPECT_EQ((*maker)->run, "r");
  EXPECT_EQ((*maker)->step, "make-sooner");
  EXPECT_EQ((*maker)->output, "out");
  EXPECT_FALSE(query().FirstMaker("team", "e").value()) << "it was only read";
  EXPECT_FALSE(query().FirstMaker("other", "d").value()) << "of another namespace";
}

TEST_P(Databases, HoldTheSameOnceThatWasRecordedTwice) {
  const auto recorder = OpenRecorder();
  for (int i = 0; i < 3; ++i) {
    recorder->RecordRun(FlightsRun("u1", "Succeeded"));
    recorder->Flush();
  }
  const auto run = query().OfUid("u1");
  ASSERT_TRUE(run) << run.error().message;
  ASSERT_EQ(run->steps.size(), 2U);
  EXPECT_EQ(run->steps[1].results.size(), 2U);
  EXPECT_EQ(query().Attempts("u1", "train")->size(), 1U);
  EXPECT_EQ(query().Changes(0, 10)->size(), 1U);
}

TEST_P(Databases, AnOlderStateLeavesTheLastWordOfARunAsItIs) {
  const auto leader = OpenRecorder(), before = OpenRecorder();
  RunRecord run = FlightsRun("u1", "Succeeded");
  run.finished = At(9);
  run.object = R"({"end": true})";
  leader->RecordRun(run);
  leader->Flush();
  const auto changes = query().NewestChange();
  RunRecord old = FlightsRun("u1");
  old.object = R"({"end": false})";
  old.steps[1].results["loss"] = 99;
  old.steps[1].results["late"] = 1;
  before->RecordRun(old);  // it has lost the lease and does not know it
  before->Flush();
  const auto kept = query().OfUid("u1");
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->outcome, "Succeeded");
  EXPECT_EQ(kept->finished, At(9));
  EXPECT_EQ(kept->steps.at(1).results.at("loss"), 0.25);
  EXPECT_EQ(kept->steps.at(1).results.size(), 2U);
  EXPECT_EQ(query().StoryOf("team", "flights-u1")->object, (Json{{"end", true}}));
  EXPECT_EQ(*query().NewestChange(), *changes) << "nothing has changed";
  run.message = "and more of its end";
  leader->RecordRun(run);
  leader->Flush();
  EXPECT_EQ(query().OfUid("u1")->message, run.message);
  EXPECT_EQ(warnings(), "");
}

TEST_P(Databases, TellWhatIsKeptOfManyRunsByTheirEnd) {
  const auto recorder = OpenRecorder();
  for (int i = 0; i < 450; ++i) {  // more than are read at a time
    RunRecord run = RunNamedR("u" + std::to_string(i), i, "p");
    run.outcome = i % 2 == 0 ? "Succeeded" : "";
    if (i % 2 == 0) run.finished = At(i);
    run.steps[0].outputs[0].digest = "d" + std::to_string(i);
    run.object = R"({"run": )" + std::to_string(i) + "}";
    run.revision = "r" + std::to_string(i % 3);
    run.spec = R"({"spec": )" + std::to_string(i % 3) + "}";
    recorder->RecordRun(run);
  }
  recorder->Flush();
  std::set<std::string> texts;
  std::set<int> specs;
  const auto done =
      query().EachKept("team", At(400),
                       {.text = [&](const std::string& text) { texts.insert(text); },
                        .spec = [&](const Json& spec) { specs.insert(int(spec["spec"])); }});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(texts.contains("d399") && texts.contains("d1")) << "they have not ended";
  EXPECT_TRUE(texts.contains("d400") && texts.contains(R"({"run": 400})"));
  EXPECT_FALSE(texts.contains("d398") || texts.contains(R"({"run": 398})"));
  EXPECT_TRUE(texts.contains("e")) << "what was read";
  EXPECT_EQ(specs, (std::set<int>{0, 1, 2}));
  bool any = false;
  EXPECT_TRUE(query().EachKept(
      "other", At(0),
      {.text = [&](const auto&) { any = true; }, .spec = [&](const auto&) { any = true; }}));
  EXPECT_FALSE(any);
}

TEST_P(Databases, AreNotAskedByNamesThatAreStatements) {
  const auto recorder = OpenRecorder();
  RunRecord run = RunNamedR("u1", 0, "p'); DROP TABLE runs; --");
  run.message = "it's :text, \"quoted\" \\ $1 날짜";
  run.steps[0].results["a'b"] = "c'; --";
  recorder->RecordRun(run);
  recorder->Flush();
  EXPECT_EQ(warnings(), "");
  RunFilter filter;
  filter.namespace_ = "team";
  filter.pipeline = run.pipeline;
  const auto page = query().Page(filter, 10);
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->runs.size(), 1U);
  EXPECT_EQ(page->runs[0].message, run.message);
  EXPECT_EQ(query().OfUid("u1")->steps[0].results.at("a'b"), "c'; --");
  filter.text = "%";
  EXPECT_TRUE(query().Page(filter, 10)->runs.empty()) << "a text is no pattern";
}

}  // namespace
}  // namespace penstock::metadata
