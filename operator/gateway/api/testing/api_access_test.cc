// Who may see what, and what is asked of the API server for it; pages of runs, and their story.
#include <gmock/gmock.h>

#include "operator/artifacts/prediction_store.h"
#include "operator/gateway/api/testing/api_fixture.h"
#include "operator/kube/resources.h"
#include "operator/net/url.h"
#include "operator/plan/attempt/pod_spec.h"
#include "operator/protocol/step_metrics.h"

namespace penstock::gateway {
namespace {

using ::testing::HasSubstr;

class Api : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    Start();
  }
};

const std::string kTeam = "/namespaces/team";

TEST_F(Api, TellsWhoYouAreAndWhatYouMay) {
  const Json me = Get("/me");
  EXPECT_EQ(me["user"], "alice");
  EXPECT_EQ(me["mode"], "cluster");
  EXPECT_EQ(me["namespaces"], Json::array({"team"}));
  EXPECT_EQ(me["may"]["team"], Json::array({"list", "get", "create", "patch", "approve", "steer"}));
  EXPECT_FALSE(me.contains("flags"));
  const Json bob = BodyOf(Ask("GET", "/me", "bob-token"));
  EXPECT_EQ(bob["may"]["team"], Json::array({"list", "get"}));
}

TEST_F(Api, OneRequestCannotAskForTheReviewOfThousandsOfNamespaces) {
  std::string query = "?namespace=n0";
  for (int i = 1; i < 21; ++i) query += "&namespace=n" + std::to_string(i);
  const auto reply = Ask("GET", "/me" + query);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(BodyOf(reply)["error"]["field"], "namespace");
  EXPECT_EQ(client_.access_reviews, 0);
}

TEST_F(Api, ATokenAndARightAreReviewedOnceAMinute) {
  for (int i = 0; i < 5; ++i) Get(kTeam + "/runs");
  EXPECT_EQ(client_.token_reviews, 1);
  EXPECT_EQ(client_.access_reviews, 1);
}

TEST_F(Api, APodsTokenReadsWhatItsAccountMayAndWritesNothing) {
  EXPECT_EQ(Ask("GET", kTeam + "/runs", "pod-token").status, 200);
  client_.rights.insert("system:serviceaccount:team:default team");
  const auto reply = Ask("POST", kTeam + "/runs", "pod-token", {{"pipeline", "flights"}},
                         {{"X-Penstock-Request", "1"}});
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.body, HasSubstr("meant for reading"));
}

TEST_F(Api, APodsTokenWhoseAudienceNobodyLookedAtIsNotAccepted) {
  client_.looks_at_audiences = false;
  EXPECT_EQ(Ask("GET", kTeam + "/runs", "pod-token").status, 401);
}

TEST_F(Api, WhatBoundsATokenIsTakenToTheReviewOfItsRights) {
  Get(kTeam + "/runs");
  EXPECT_EQ(client_.extra_of_the_last, (Json{{"scopes", {"user:info"}}}));
}

TEST_F(Api, ListsRunsNewestFirstByPagesWithDeletedOnes) {
  const Json first = Get(kTeam + "/runs?limit=1");
  ASSERT_EQ(first["items"].size(), 1U);
  EXPECT_EQ(first["items"][0]["name"], "flights-1");
  EXPECT_EQ(first["items"][0]["user"], "alice");
  EXPECT_EQ(first["items"][0]["archived"], false);
  EXPECT_EQ(first["items"][0]["steps"]["succeeded"], 2);
  const Json second =
      Get(kTeam + "/runs?limit=1&after=" + net::UrlEncode(first["next"].get<std::string>()));
  ASSERT_EQ(second["items"].size(), 1U);
  EXPECT_EQ(second["items"][0]["name"], "flights-0");
  EXPECT_EQ(second["items"][0]["archived"], true);
  EXPECT_FALSE(second.contains("next"));
}

TEST_F(Api, FiltersRuns) {
  EXPECT_EQ(Get(kTeam + "/runs?q=ts-0")["items"].size(), 1U);
  EXPECT_EQ(Get(kTeam + "/runs?phase=Succeeded&pipeline=flights")["items"].size(), 2U);
  EXPECT_EQ(Get(kTeam + "/runs?phase=Failed")["items"].size(), 0U);
  EXPECT_EQ(Get(kTeam + "/runs?cause=Schedule")["items"].size(), 0U);
}

TEST_F(Api, NamesTheParameterThatIsWrong) {
  const std::map<std::string, std::string> wrong{{"limit=0", "limit"},
                                                 {"limit=x", "limit"},
                                                 {"phase=Done", "phase"},
                                                 {"after=rubbish", "after"}};
  for (const auto& [query, field] : wrong) {
    const auto reply = Ask("GET", kTeam + "/runs?" + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_EQ(BodyOf(reply)["error"]["field"], field) << reply.body;
  }
}

TEST_F(Api, WhatHasNotChangedIsNotSentAgain) {
  const auto first = Ask("GET", kTeam + "/runs");
  const std::string tag(first.Header("etag"));
  ASSERT_FALSE(tag.empty());
  const auto again = Ask("GET", kTeam + "/runs", "alice-token", {}, {{"If-None-Match", tag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
}

TEST_F(Api, ARunsStoryAnswersAfterItsObjectAndItsRevisionAreDeleted) {
  const Json before = Get(kTeam + "/runs/flights-1");
  EXPECT_EQ(before["archived"], false);
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "flights-1"));
  const auto revisions = cluster_.List(kube::kControllerRevisions, "team", {});
  for (const Json& revision : revisions->items)
    ASSERT_TRUE(cluster_.Delete(kube::kControllerRevisions, "team",
                                revision["metadata"]["name"].get<std::string>()));
  Json after = Get(kTeam + "/runs/flights-1");
  EXPECT_EQ(after["archived"], true);
  after["archived"] = false;
  EXPECT_EQ(after, before);
  EXPECT_EQ(Get(kTeam + "/runs/flights-1/steps/train")["results"]["auc"], 0.75);
}

TEST_F(Api, ShowsARunsGraphStepsAndParametersWithoutSignatures) {
  const Json run = Get(kTeam + "/runs/flights-1");
  EXPECT_EQ(run["graph"]["edges"], Json::parse(R"([["ingest","train"]])"));
  EXPECT_EQ(run["steps"][0]["name"], "ingest");
  EXPECT_EQ(run["steps"][1]["phase"], "Succeeded");
  EXPECT_EQ(run["parameters"]["epochs"], 5);
  EXPECT_EQ(run["parameters"]["source"], "https://data.example.com/flights.csv?...");
  EXPECT_EQ(run.dump().find("signature=secret"), std::string::npos) << run.dump(1);
  EXPECT_EQ(run["command"], "penstock describe flights-1 -n team");
}

TEST_F(Api, ShowsWhereAStepsInputsCameFrom) {
  const Json train = Get(kTeam + "/runs/flights-1/steps/train");
  ASSERT_EQ(train["inputs"].size(), 1U);
  EXPECT_EQ(train["inputs"][0]["fromStep"], "ingest");
  EXPECT_EQ(train["inputs"][0]["digest"], dataset_);
  EXPECT_EQ(train["attempts"][0]["phase"], "Succeeded");
  EXPECT_EQ(train["cacheMiss"], "NotFound");
  const auto none = Ask("GET", kTeam + "/runs/flights-1/steps/absent");
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr("it has ingest, train"));
}

TEST_F(Api, ShowsTheCurvesThatAStepWroteAndOnlyThoseThatAreAskedFor) {
  const std::string path = kTeam + "/runs/flights-1/steps/train/metrics";
  EXPECT_EQ(Get(path)["series"], Json::array());
  StepMetrics metrics;
  metrics.AddLine(R"({"name":"loss","step":1,"value":0.5})", 1'790'000'000'000);
  metrics.AddLine(R"({"name":"auc","step":1,"value":0.7})", 1'790'000'000'000);
  const std::string pod = plan::PodName("flights-1", "uid-flights-1", "train", 1);
  ASSERT_TRUE(store_->PutMetrics("team", "uid-flights-1", pod, metrics.Format()));
  EXPECT_EQ(Get(path)["series"].size(), 2U);
  const Json loss = Get(path + "?names=loss")["series"];
  ASSERT_EQ(loss.size(), 1U);
  EXPECT_EQ(loss[0]["points"][0], Json::parse(R"([1.0, 0.5, "2026-09-21T14:13:20Z"])"));
}

TEST_F(Api, AStepFromTheCacheHasTheCurvesOfTheRunThatMadeIt) {
  StepMetrics metrics;
  metrics.AddLine(R"({"name":"loss","step":1,"value":0.5})", 1'790'000'000'000);
  const std::string pod = plan::PodName("flights-1", "uid-flights-1", "train", 1);
  ASSERT_TRUE(store_->PutMetrics("team", "uid-flights-1", pod, metrics.Format()));
  Json run = cluster_.Get(kube::kPipelineRuns, "team", "flights-1").value();
  run["metadata"]["name"] = "flights-2";
  run["metadata"]["uid"] = "uid-flights-2";
  Json& train = run["status"]["steps"][1];
  train["cached"] = true;
  train["cachedFrom"] = "flights-1";
  train.erase("pod");
  cluster_.Restore(kube::kPipelineRuns, run);
  const Json made = Get(kTeam + "/runs/flights-1/steps/train/metrics");
  ASSERT_EQ(made["series"].size(), 1U);
  EXPECT_EQ(Get(kTeam + "/runs/flights-2/steps/train/metrics"), made);
}

TEST_F(Api, ComparesALiveRunWithADeletedOne) {
  const Json both = Get(kTeam + "/compare?runs=flights-0&runs=flights-1");
  ASSERT_EQ(both["metrics"].size(), 1U);
  EXPECT_EQ(both["metrics"][0]["values"], Json::array({0.5, 0.75}));
  EXPECT_EQ(both["metrics"][0]["differs"], true);
  for (const Json& input : both["inputs"]) EXPECT_EQ(input["differs"], false) << input;
}

TEST_F(Api, RunsWithMoreMetricsThanThereIsMemoryForAreNotCompared) {
  metadata::RunRecord run;
  run.uid = run.name = "wide";
  run.namespace_ = "team";
  metadata::StepRecord step;
  step.name = "train";
  for (int i = 0; i < 2'100; ++i) step.results["metric-" + std::to_string(i)] = i;
  run.steps = {step};
  recorder_->RecordRun(run);
  recorder_->Flush();
  EXPECT_EQ(Get(kTeam + "/compare?runs=wide&runs=flights-0")["metrics"].size(), 2'101U);
  std::string query = "?runs=wide";
  for (int i = 0; i < 499; ++i) query += "&runs=flights-0";
  const auto reply = Ask("GET", kTeam + "/compare" + query);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(BodyOf(reply)["error"]["field"], "runs");
}

TEST_F(Api, LineageGoesFromTheServedVersionToTheFileAndItsFingerprint) {
  const Json up = Get(kTeam + "/lineage?model=delays");
  std::map<std::string, Json> by_kind;
  for (const Json& node : up["nodes"]) by_kind[node["kind"]] = node;
  EXPECT_EQ(by_kind["deployment"]["digest"], model_);
  EXPECT_EQ(by_kind["file"]["uri"], "https://data.example.com/flights.csv?...");
  EXPECT_EQ(by_kind["file"]["digest"], "\"etag-1\"");
  EXPECT_EQ(by_kind["step"]["run"], "flights-0") << "the run that made it first";
  EXPECT_EQ(up["nodes"][0]["kind"], "deployment") << "what was asked for stands first";
  const Json down = Get(kTeam + "/lineage?direction=down&artifact=" + net::UrlEncode(dataset_));
  bool served = false;
  for (const Json& node : down["nodes"]) served = served || node["kind"] == "deployment";
  EXPECT_TRUE(served) << down.dump(1);
}

TEST_F(Api, LineageOfARequestGoesByTheVersionThatAnsweredItToTheFile) {
  const artifacts::PredictionStore predictions(store_->root());
  ASSERT_TRUE(
      predictions.Put("team", "delays", "a.requests",
                      R"({"model":"delays","version":"2","digest":")" + model_ + "\"}\n\"r-1\"\n"));
  const Json up = Get(kTeam + "/lineage?request=r-1");
  EXPECT_EQ(up["nodes"][0]["kind"], "request") << "what was asked for stands first";
  std::map<std::string, Json> by_kind;
  for (const Json& node : up["nodes"]) by_kind[node["kind"]] = node;
  EXPECT_EQ(by_kind["deployment"]["label"], "delays v2") << "also one that serves no more";
  EXPECT_EQ(by_kind["deployment"]["digest"], model_);
  EXPECT_EQ(by_kind["step"]["run"], "flights-0");
  EXPECT_EQ(by_kind["file"]["digest"], "\"etag-1\"");
  EXPECT_EQ(Get(kTeam + "/lineage?request=r-1&model=delays"), up);
  EXPECT_EQ(Ask("GET", kTeam + "/lineage?request=r-2").status, 404);
  EXPECT_EQ(Ask("GET", kTeam + "/lineage?request=r-1&model=other").status, 404);
  EXPECT_EQ(Ask("GET", kTeam + "/lineage?request=r-1&artifact=" + net::UrlEncode(model_)).status,
            400);
  EXPECT_EQ(Ask("GET", "/namespaces/rival/lineage?request=r-1", "mallory-token").status, 404)
      << "of another namespace there is none";
}

TEST_F(Api, LineageHoldsNothingThatAStepGaveBesideWhatIsAskedFor) {
  metadata::RunRecord run;
  run.uid = "beside";
  run.namespace_ = "team";
  run.name = "beside";
  run.outcome = "Succeeded";
  metadata::StepRecord step;
  step.name = "fit";
  step.attempt = 1;
  step.pod = "beside-fit";
  step.phase = "Succeeded";
  const std::string model = "sha256:" + std::string(64, '1');
  const std::string report = "sha256:" + std::string(64, '2');
  step.outputs = {{"report", "report", report, "", true, 1},
                  {"model", "model", model, "", true, 1}};
  run.steps = {step};
  recorder_->RecordRun(run);
  recorder_->Flush();
  const Json up = Get(kTeam + "/lineage?artifact=" + net::UrlEncode(model));
  ASSERT_EQ(up["nodes"].size(), 2U) << up.dump(1);
  EXPECT_EQ(up["nodes"][0]["digest"], model);
  EXPECT_EQ(up["nodes"][1]["kind"], "step");
}

TEST_F(Api, LineageOfAVersionWhoseModelIsNotThereYetIsThatOfTheOther) {
  kube::PatchOptions status;
  status.subresource = "status";
  ASSERT_TRUE(cluster_.MergePatch(kube::kModelDeployments, "team", "delays",
                                  {{"status", {{"candidate", {{"digest", ""}}}}}}, status));
  const Json up = Get(kTeam + "/lineage?model=delays");
  int artifacts = 0;
  for (const Json& node : up["nodes"]) {
    if (node["kind"] != "artifact") continue;
    EXPECT_NE(node["id"], "");
    ++artifacts;
  }
  EXPECT_EQ(artifacts, 2) << up.dump(1);
}

TEST_F(Api, ShowsARolloutsGatesWithTheirBounds) {
  const Json model = Get(kTeam + "/models/delays");
  EXPECT_EQ(model["versions"].size(), 2U);
  const Json& gate = model["rollout"]["gates"][0];
  EXPECT_EQ(gate["interval"], Json::array({"0.1%", "1.1%"}));
  EXPECT_EQ(gate["bound"], "at most 1%");
  EXPECT_EQ(model["history"][0]["outcome"], "RolledBack");
}

TEST_F(Api, AStreamTellsOfAChangeAndOnlySoManyAreOpen) {
  const auto one = events_->Sit();
  const auto two = events_->Sit();
  ASSERT_NE(two, nullptr);
  const auto reply = Ask("GET", "/events?namespace=team");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("retry-after"), "10");
  const auto begin = events_->Wait(std::nullopt, Milliseconds(10'000), {});
  ASSERT_GT(begin.at.value_or(0), 0);
  metadata::RunRecord run;
  run.uid = "new";
  run.namespace_ = "team";
  run.name = "flights-2";
  recorder_->RecordRun(run);
  const auto batch = events_->Wait(begin.at, Milliseconds(10'000), {});
  ASSERT_EQ(batch.changes.size(), 1U);
  EXPECT_EQ(batch.changes[0].run.name, "flights-2");
  EXPECT_FALSE(batch.missed);
}

TEST_F(Api, AStreamOverAHistoryWithoutRunsWaitsAndDoesNotSpin) {
  metadata::BatchRecorderOptions options;
  options.database = metadata::SqliteFile(dir_ / "empty.sqlite");
  const auto empty = metadata::BatchRecorder::Open(options, clock_);
  empty->Flush();
  const metadata::Query history(options.database);
  EventHub hub(history, {.streams = 1, .ring = 10, .look = Milliseconds(20)});
  const auto seat = hub.Sit();
  const auto begin = hub.Wait(std::nullopt, Milliseconds(10'000), {});
  ASSERT_EQ(begin.at, 0);
  EXPECT_EQ(hub.Wait(begin.at, Milliseconds(50), {}).at, 0);
  metadata::RunRecord run;
  run.uid = "first";
  run.namespace_ = "team";
  run.name = "first";
  empty->RecordRun(run);
  const auto batch = hub.Wait(begin.at, Milliseconds(10'000), {});
  ASSERT_EQ(batch.changes.size(), 1U);
  EXPECT_FALSE(batch.missed);
}

TEST_F(Api, AStreamOfAnotherDatabasesNumberIsToldToLookAnew) {
  const auto seat = events_->Sit();
  EXPECT_TRUE(events_->Wait(1'000'000, Milliseconds(10'000), {}).missed);
}

}  // namespace
}  // namespace penstock::gateway
