#include "operator/cli/objects/object_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "operator/base/json.h"
#include "operator/cli/objects/progress.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

const TimePoint kNow = *ParseTime("2026-11-21T04:00:00Z");

Json SampleRun(const std::string& outcome, const std::string& reason = "Done") {
  Json run = Json::parse(R"({"apiVersion":"penstock.dev/v1alpha1","kind":"PipelineRun",
    "metadata":{"name":"flights-4be1c0a2d7-1","namespace":"default",
                "creationTimestamp":"2026-11-21T03:55:00Z"},
    "spec":{"pipelineRef":{"name":"flights"}},
    "status":{"startTime":"2026-11-21T03:55:00Z","finishTime":"2026-11-21T03:55:42Z",
      "summary":{"total":3,"succeeded":2,"cached":1},
      "steps":[
       {"name":"ingest","phase":"Succeeded","cached":true,"outputs":[
          {"name":"dataset","digest":"sha256:0123456789abcdef","bytes":5260000}]},
       {"name":"train","phase":"Succeeded","attempts":1,"pod":"p",
          "startTime":"2026-11-21T03:55:00Z","finishTime":"2026-11-21T03:55:40Z",
          "outputs":[{"name":"model","digest":"sha256:fedcba9876543210","bytes":70000},
                     {"name":"metrics","digest":"sha256:aaaabbbbccccdddd","bytes":812}]},
       {"name":"report","phase":"Pending","reason":"Unschedulable",
          "message":"0/3 nodes are available:\n3 Insufficient nvidia.com/gpu."}]}})");
  if (!outcome.empty()) {
    run["status"]["conditions"] = {{{"type", "Finished"}, {"status", "True"}},
                                   {{"type", "Succeeded"},
                                    {"status", outcome},
                                    {"reason", reason},
                                    {"message", "step train failed"}}};
  }
  return run;
}

std::size_t Widest(const std::string& text) {
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, Columns(line));
  return widest;
}

TEST(ObjectTable, ShowsRunsWithin80Columns) {
  const std::string text =
      Format(TableOf(kube::kPipelineRuns, {SampleRun("False"), SampleRun("")}, {}, kNow));
  EXPECT_EQ(text,
            "NAME                   STATUS    STEP   DONE   BLESSED   DURATION   AGE\n"
            "flights-4be1c0a2d7-1   Failed    -      2/3    -         42s        5m\n"
            "flights-4be1c0a2d7-1   Running   -      2/3    -         42s        5m\n");
  EXPECT_LE(Widest(text), 80U);
}

TEST(ObjectTable, ShowsWhichStepFailsOrWaitsAndWhetherTheModelIsBlessed) {
  Json failed = SampleRun("False"), waits = SampleRun("");
  failed["status"]["trouble"] = "train: OutOfMemory";
  failed["status"]["conditions"].push_back({{"type", "Blessed"}, {"status", "False"}});
  waits["status"]["trouble"] = "ingest: ImagePullBackOff";
  const std::string text = Format(TableOf(kube::kPipelineRuns, {failed, waits}, {}, kNow));
  EXPECT_EQ(text,
            "NAME                 STATUS  STEP                     DONE BLESSED DURATION AGE\n"
            "flights-4be1c0a2d7-1 Failed  train: OutOfMemory       2/3  False   42s      5m\n"
            "flights-4be1c0a2d7-1 Running ingest: ImagePullBackOff 2/3  -       42s      5m\n");
  EXPECT_LE(Widest(text), 80U);
}

TEST(ObjectTable, WideSaysWhy) {
  const std::string text = Format(
      TableOf(kube::kPipelineRuns, {SampleRun("False")}, {.wide = true, .namespaces = true}, kNow),
      200);
  EXPECT_TRUE(text.starts_with("NAMESPACE   NAME"));
  EXPECT_NE(text.find("step train failed"), std::string::npos);
}

TEST(ObjectTable, ShowsTheOtherKindsWithin80Columns) {
  const Json pipeline = Json::parse(R"({"metadata":{"name":"flights",
    "creationTimestamp":"2026-11-20T04:00:00Z"},"status":{"activeRuns":1,
    "nextScheduleTime":"2026-11-21T06:00:00Z",
    "lastRun":{"name":"flights-4be1c0a2d7-1","outcome":"Succeeded"},
    "conditions":[{"type":"Ready","status":"True"}]}})");
  EXPECT_EQ(Format(TableOf(kube::kPipelines, {pipeline}, {}, kNow)),
            "NAME      READY   ACTIVE   LAST-RUN    NEXT                   AGE\n"
            "flights   True    1        Succeeded   2026-11-21T06:00:00Z   24h\n");
  const Json model = Json::parse(R"({"metadata":{"name":"flights",
    "creationTimestamp":"2026-11-20T04:00:00Z"},"status":{"stable":{"version":7},
    "conditions":[{"type":"Available","status":"True"},
                  {"type":"Stalled","status":"True","message":"rolled back"}]}})");
  EXPECT_EQ(Format(TableOf(kube::kModelDeployments, {model}, {}, kNow)),
            "NAME      READY   AVAILABLE   STABLE   CANDIDATE   AGE\n"
            "flights   -       True        v7       -           24h\n");
  const Json component = Json::parse(R"({"metadata":{"name":"train-1.4.0",
    "labels":{"penstock.dev/library":"true"},"creationTimestamp":"2026-11-20T04:00:00Z"},
    "spec":{"name":"train","version":"1.4.0"}})");
  EXPECT_EQ(Format(TableOf(kube::kComponents, {component}, {}, kNow)),
            "NAME          COMPONENT   VERSION   LIBRARY   AGE\n"
            "train-1.4.0   train       1.4.0     true      24h\n");
}

TEST(ObjectTable, ShowsStepsWithin80ColumnsAndWhyTheyWait) {
  const std::string text = Format(StepTable(SampleRun(""), false, 80, kNow));
  EXPECT_EQ(text,
            "STEP     PHASE       CACHED   DURATION   OUTPUTS\n"
            "ingest   Succeeded   yes      -          dataset 01234567 (5.3 MB)\n"
            "train    Succeeded   no       40s        model fedcba98 (70 kB), metrics aaaabb…\n"
            "report   Pending     no       -          Unschedulable: 0/3 nodes are available…\n");
  EXPECT_LE(Widest(text), 80U);
}

TEST(ObjectTable, NamesTheStateOfARun) {
  EXPECT_EQ(RunWord(SampleRun("True")), "Succeeded");
  EXPECT_EQ(RunWord(SampleRun("False")), "Failed");
  EXPECT_EQ(RunWord(SampleRun("False", "Cancelled")), "Cancelled");
  EXPECT_EQ(RunWord(SampleRun("")), "Running");
  Json stalled = SampleRun("");
  stalled["status"]["conditions"] = {{{"type", "Stalled"}, {"status", "True"}}};
  EXPECT_EQ(RunWord(stalled), "Invalid");
}

TEST(ObjectTable, PrintsNamesAndASingleObjectAlone) {
  EXPECT_EQ(ToNames(kube::kPipelineRuns, {SampleRun("")}),
            "pipelinerun.penstock.dev/flights-4be1c0a2d7-1\n");
  EXPECT_EQ(Json::parse(ToJsonText({SampleRun("")}, true))["kind"], "PipelineRun");
  EXPECT_EQ(Json::parse(ToJsonText({SampleRun("")}, false))["kind"], "List");
}

TEST(ObjectTable, QuotesWhatYamlWouldReadAsSomethingElse) {
  const Json object = {{"a", "1.0"}, {"b", "yes"},  {"c", "plain"},    {"d", ""},
                       {"e", 1},     {"f", true},   {"g", nullptr},    {"h", Json::array()},
                       {"i", "- x"}, {"j", "a: b"}, {"k", "sha256:ab"}};
  EXPECT_EQ(ToYamlText({object}, true),
            "a: \"1.0\"\nb: \"yes\"\nc: plain\nd: \"\"\ne: 1\nf: true\ng: ~\nh: []\n"
            "i: \"- x\"\nj: \"a: b\"\nk: sha256:ab\n");
}

TEST(ObjectTable, RefusesUnknownWordsWithThoseThereAre) {
  EXPECT_NE(ParseOutputFormat("xml").error().message.find("json, yaml, name or wide"),
            std::string::npos);
  EXPECT_NE(KindsOf("pods").error().message.find("pipelines, runs"), std::string::npos);
  EXPECT_EQ(KindsOf("all")->size(), 4U);
  EXPECT_EQ(KindsOf("pplr")->at(0), kube::kPipelineRuns);
}

TEST(Progress, SaysAWaitOnceAlsoWhenThePodIsThere) {
  std::ostringstream out;
  Progress progress(out, false, 80);
  const auto show = [&](const std::string& phase, const std::string& reason, int attempts) {
    progress.Show({{"status",
                    {{"steps", Json::array({{{"name", "a"},
                                             {"phase", phase},
                                             {"reason", reason},
                                             {"attempts", attempts}}})}}}},
                  {});
  };
  show("Pending", "Starting", 0);
  show("Pending", "Starting", 1);
  show("Running", "", 1);
  show("Pending", "ExitCode", 1);
  show("Running", "", 2);
  EXPECT_EQ(out.str(), "a: Pending: Starting\na: Running\na: Pending: ExitCode\na: Running\n");
}

}  // namespace
}  // namespace penstock::cli
