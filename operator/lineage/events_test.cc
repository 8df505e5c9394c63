#include "operator/lineage/events.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace penstock::lineage {
namespace {

using ::testing::ElementsAre;

TimePoint Second(int s) { return TimePoint{std::chrono::seconds(1'800'000'000 + s)}; }
std::string DigestOf(char c) { return "sha256:" + std::string(64, c); }

metadata::RunRecord TrainingRun() {
  metadata::RunRecord run;
  run.uid = "0f8fad5b-d9cb-469f-a165-70867728950e";
  run.namespace_ = "team";
  run.name = "flights-1";
  run.pipeline = "flights";
  run.started = Second(0);
  metadata::StepRecord ingest, train;
  ingest.name = "ingest";
  ingest.phase = "Succeeded";
  ingest.started = Second(1);
  ingest.finished = Second(5);
  ingest.inputs = {{"source", "file", "", "https://data.example.com/a/b.csv", false, 0, "etag-1"},
                   {"old", "dataset", DigestOf('e'), "", true, 9}};
  ingest.outputs = {{"dataset", "dataset", DigestOf('d'), "", true, 9}};
  train.name = "train";
  train.phase = "Running";
  train.started = Second(6);
  train.inputs = {{"train", "dataset", DigestOf('d'), "", true, 9}};
  run.steps = {train, ingest};
  return run;
}

std::vector<Event> Told(const metadata::RunRecord& run) {
  return EventsOf(run, [](const std::string& digest) {
    return digest == DigestOf('e') ? "raw/make/table" : "";
  });
}
std::vector<std::string> Keys(const metadata::RunRecord& run) {
  std::vector<std::string> keys;
  for (const Event& e : Told(run)) keys.push_back(e.key);
  return keys;
}
Json BodyOf(const metadata::RunRecord& run, const std::string& key) {
  for (const Event& e : Told(run))
    if (e.key == key) return e.body;
  ADD_FAILURE() << "no event " << key;
  return {};
}

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

// What the spec asks of each facet, in our words: who says so, and by which schema.
void ExpectFacets(const Json& facets) {
  for (const auto& [name, facet] : facets.items()) {
    EXPECT_TRUE(facet.at("_producer").get<std::string>().starts_with("https://")) << name;
    EXPECT_TRUE(facet.at("_schemaURL")
                    .get<std::string>()
                    .starts_with("https://openlineage.io/spec/facets/"))
        << name;
  }
}

// What the spec (2-0-2) asks of a RunEvent: these fields, of these forms.
void ExpectRunEvent(const Json& e) {
  static const std::set<std::string> kTypes{"START", "RUNNING", "COMPLETE",
                                            "ABORT", "FAIL",    "OTHER"};
  EXPECT_TRUE(kTypes.contains(e.at("eventType").get<std::string>()));
  EXPECT_TRUE(ParseTime(e.at("eventTime").get<std::string>()));
  EXPECT_TRUE(e.at("producer").get<std::string>().starts_with("https://"));
  EXPECT_EQ(e.at("schemaURL"),
            "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent");
  EXPECT_TRUE(IsUuid(e.at("run").at("runId").get<std::string>())) << e.at("run");
  EXPECT_FALSE(e.at("job").at("namespace").get<std::string>().empty());
  EXPECT_FALSE(e.at("job").at("name").get<std::string>().empty());
  ExpectFacets(e.at("run").at("facets"));
  ExpectFacets(e.at("job").at("facets"));
  for (const char* list : {"inputs", "outputs"}) {
    for (const Json& dataset : e.at(list)) {
      EXPECT_FALSE(dataset.at("namespace").get<std::string>().empty());
      EXPECT_FALSE(dataset.at("name").get<std::string>().empty());
      ExpectFacets(dataset.at("facets"));
    }
  }
}

TEST(LineageEvents, TellARunAndItsStepsInTheOrderInWhichTheyHappened) {
  metadata::RunRecord run = TrainingRun();
  EXPECT_THAT(Keys(run), ElementsAre("START", "ingest START", "ingest COMPLETE", "train START"));
  run.steps[0].phase = "Failed";
  run.steps[0].finished = Second(9);
  run.outcome = "StepFailed";
  run.finished = Second(10);
  EXPECT_THAT(Keys(run), ElementsAre("START", "ingest START", "ingest COMPLETE", "train START",
                                     "train FAIL", "FAIL"));
  run.outcome = "Cancelled";
  run.steps[0].phase = "Cancelled";
  EXPECT_THAT(Keys(run), ElementsAre("START", "ingest START", "ingest COMPLETE", "train START",
                                     "train ABORT", "ABORT"));
  run.outcome = run.steps[0].phase = "Succeeded";
  EXPECT_EQ(Keys(run).back(), "COMPLETE");
}

TEST(LineageEvents, HaveTheFieldsThatTheSpecAsksFor) {
  metadata::RunRecord run = TrainingRun();
  run.steps[0].phase = "Failed";
  run.steps[0].reason = "Error";
  run.steps[0].finished = Second(9);
  run.outcome = "StepFailed";
  run.message = "step train failed";
  run.finished = Second(10);
  for (const Event& e : Told(run)) ExpectRunEvent(e.body);
  const Json facet = BodyOf(run, "FAIL").at("run").at("facets").at("errorMessage");
  EXPECT_EQ(facet.at("message"), "step train failed");
  EXPECT_TRUE(facet.at("programmingLanguage").is_string());
  EXPECT_EQ(BodyOf(run, "START").at("eventTime"), FormatMicroTime(Second(0)));
}

TEST(LineageEvents, OfStepsNameTheRunAsTheirParent) {
  const metadata::RunRecord run = TrainingRun();
  const Json start = BodyOf(run, "train START");
  EXPECT_EQ(start.at("job").at("name"), "flights.train");
  EXPECT_EQ(start.at("run").at("runId"), StepRunId(run.uid, "train"));
  EXPECT_NE(StepRunId(run.uid, "train"), StepRunId(run.uid, "ingest"));
  const Json& parent = start.at("run").at("facets").at("parent");
  EXPECT_EQ(parent.at("run").at("runId"), run.uid);
  EXPECT_EQ(parent.at("job"), Json({{"namespace", "team"}, {"name", "flights"}}));
  EXPECT_EQ(StepRunId(run.uid, "train")[14], '8') << "the version of an UUID of one's own making";
  EXPECT_NE(std::string("89ab").find(StepRunId(run.uid, "train")[19]), std::string::npos);
}

TEST(LineageEvents, NameWhatWasReadAndMadeSoThatItMeets) {
  const metadata::RunRecord run = TrainingRun();
  const Json made = BodyOf(run, "ingest COMPLETE").at("outputs").at(0);
  EXPECT_EQ(made.at("namespace"), "penstock://team");
  EXPECT_EQ(made.at("name"), "flights/ingest/dataset");
  EXPECT_EQ(made.at("facets").at("version").at("datasetVersion"), DigestOf('d'));
  EXPECT_EQ(BodyOf(run, "train START").at("inputs").at(0), made);
  const Json read = BodyOf(run, "ingest START").at("inputs");
  EXPECT_EQ(read.at(0).at("namespace"), "https://data.example.com");
  EXPECT_EQ(read.at(0).at("name"), "/a/b.csv");
  EXPECT_EQ(read.at(0).at("facets").at("version").at("datasetVersion"), "etag-1");
  EXPECT_EQ(read.at(1).at("name"), "raw/make/table") << "another Pipeline made it";
  EXPECT_TRUE(BodyOf(run, "ingest START").at("outputs").empty());
}

TEST(LineageEvents, OfACachedStepAreBothThereAndOfASkippedOneNeither) {
  metadata::RunRecord run = TrainingRun();
  run.steps[1].started.reset();
  run.steps[1].cached = true;
  run.steps[0].phase = "Skipped";
  run.steps[0].finished = Second(7);
  EXPECT_THAT(Keys(run), ElementsAre("START", "ingest START", "ingest COMPLETE"));
  run.steps[0].phase = "Cancelled";
  run.steps[0].started.reset();
  EXPECT_THAT(Keys(run), ElementsAre("START", "ingest START", "ingest COMPLETE"))
      << "it was cancelled before its turn";
}

TEST(LineageEvents, OfARunThatWasRefusedAreBothThere) {
  metadata::RunRecord run = TrainingRun();
  run.steps.clear();
  run.started.reset();
  EXPECT_THAT(Keys(run), ElementsAre());
  run.outcome = "InvalidSpec";
  run.finished = Second(3);
  EXPECT_THAT(Keys(run), ElementsAre("START", "FAIL"));
}

// Each run that began: one START, then one end.
void ExpectOneEndEach(const std::vector<Event>& events) {
  std::map<std::string, std::vector<std::string>> types;  // by run id
  std::map<std::string, TimePoint> times;
  for (const Event& e : events) {
    const std::string id = e.body.at("run").at("runId");
    types[id].push_back(e.body.at("eventType"));
    const TimePoint time = ParseTime(e.body.at("eventTime").get<std::string>()).value();
    EXPECT_GE(time, times[id]) << e.key;
    times[id] = time;
  }
  for (const auto& [id, told] : types) {
    ASSERT_EQ(told.size(), 2U) << id;
    EXPECT_EQ(told[0], "START");
    EXPECT_THAT(told[1], testing::AnyOf("COMPLETE", "ABORT", "FAIL"));
  }
}

TEST(LineageEvents, OfARunThatHasEndedHaveOneEndEachWhateverTheClocksAndStepsSay) {
  metadata::RunRecord run = TrainingRun();
  run.outcome = "Cancelled";
  run.finished = Second(8);
  EXPECT_THAT(Keys(run), ElementsAre("START", "ingest START", "ingest COMPLETE", "train START",
                                     "train ABORT", "ABORT"))
      << "a step whose end nobody has seen";
  ExpectOneEndEach(Told(run));
  run.steps[1].finished = Second(-5);  // the kubelet's clock is behind
  run.steps[0].started = Second(-9);
  ExpectOneEndEach(Told(run));
  EXPECT_EQ(Keys(run).front(), "START");
  EXPECT_EQ(Keys(run).back(), "ABORT");
  run.finished = Second(-20);
  ExpectOneEndEach(Told(run));
}

TEST(LineageEvents, HaveAnUuidAlsoWhereTheUidIsNone) {
  const std::string uid = TrainingRun().uid;
  EXPECT_EQ(RunId(uid), uid);
  for (const char* other : {"", "run-1", "0f8fad5b-d9cb-469f-a165-7086772895",
                            "gf8fad5b-d9cb-469f-a165-70867728950e"}) {
    EXPECT_TRUE(IsUuid(RunId(other))) << other;
    EXPECT_EQ(RunId(other), RunId(other));
  }
  metadata::RunRecord run = TrainingRun();
  run.uid = "run-1";
  for (const Event& e : Told(run)) ExpectRunEvent(e.body);
  EXPECT_EQ(BodyOf(run, "train START")["run"]["facets"]["parent"]["run"]["runId"],
            BodyOf(run, "START")["run"]["runId"]);
}

TEST(LineageEvents, NameSourcesWithoutWhatMayLetReadThem) {
  metadata::RunRecord run = TrainingRun();
  const auto name_of = [&](const std::string& uri) {
    run.steps[1].inputs[0].uri = uri;
    const Json read = BodyOf(run, "ingest START").at("inputs").at(0);
    return read.at("namespace").get<std::string>() + " " + read.at("name").get<std::string>();
  };
  EXPECT_EQ(name_of("https://h:8443/a/b.csv?..."), "https://h:8443 /a/b.csv");
  EXPECT_EQ(name_of("https://h"), "https://h /");
  EXPECT_EQ(name_of("s3://bucket/a/b"), "s3://bucket a/b");
  EXPECT_EQ(name_of("file:///a/{DD}/?window=7d&to=2026-01-08"), "file /a/{DD}/");
  EXPECT_EQ(name_of("file:///a/what?.csv"), "file /a/what?.csv");
  EXPECT_EQ(name_of("gs://bucket/a/b"), "gs://bucket a/b");
  EXPECT_EQ(name_of("abfss://c@a.dfs.core.windows.net/a/b"),
            "abfss://c@a.dfs.core.windows.net a/b");
  EXPECT_EQ(name_of("delta+s3://bucket/a/b?version=1"), "s3://bucket a/b");
  EXPECT_EQ(name_of("iceberg+file:///lake/t"), "file /lake/t");
  EXPECT_EQ(name_of("file:///a/b?c"), "file /a/b?c");
  EXPECT_EQ(name_of("/a/b"), "penstock /a/b");
}

TEST(LineageEvents, AreTheSameWheneverTheyAreMade) {
  const auto once = Told(TrainingRun()), again = Told(TrainingRun());
  ASSERT_EQ(once.size(), again.size());
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(once[i].body, again[i].body);
}

TEST(LineageEvents, OfARunWithoutAPipelineAreCalledAsTheRun) {
  metadata::RunRecord run = TrainingRun();
  run.pipeline.clear();
  EXPECT_EQ(BodyOf(run, "train START").at("job").at("name"), "flights-1.train");
}

}  // namespace
}  // namespace penstock::lineage
