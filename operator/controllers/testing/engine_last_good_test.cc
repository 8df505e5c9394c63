// onFailure: what an earlier run of the Pipeline gave stands in, on a cluster in memory.
#include <gmock/gmock.h>

#include <fstream>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;
using Ending = FakeKubelet::Ending;

class LastGoodEngines : public EngineTest {
 protected:
  static std::string Work(const std::string& name, const std::string& more) {
    return "  - {name: " + name + ", container: {image: \"tool@sha256:" + std::string(64, '1') +
           "\", command: [work]}, outputs: [{name: table}], " + more + "}\n";
  }
  void CreatePipeline(const std::string& max_age) {
    Create(
        kube::kPipelines,
        "metadata: {name: p}\nspec:\n  runPolicy: Manual\n"
        "  parameters: [{name: day, default: mon}]\n"
        "  freshness: {maxAge: 1h}\n"
        "  defaults: {retry: {user: {limit: 0}}}\n  outputs: {table: $(steps.use.outputs.table)}\n"
        "  steps:\n" +
            Work("get",
                 "parameters: {day: $(parameters.day)}, onFailure: {use: LastGood, "
                 "maxAge: " +
                     max_age + "}") +
            Work("use", "inputs: {t: $(steps.get.outputs.table)}"));
  }
  Json Run(const std::string& name, const std::string& day, const std::string& more = "") {
    Create(kube::kPipelineRuns, "metadata: {name: " + name +
                                    "}\nspec: {pipelineRef: {name: p}, parameters: {day: " + day +
                                    "}" + more + "}\n");
    return AwaitFinished(name);
  }
  static std::string Outcome(const Json& run) { return ConditionOf(run, "Succeeded"); }
};

TEST_F(LastGoodEngines, WhatTheRunBeforeGaveStandsInThroughARestartAndARunWithoutIt) {
  StartEngine();
  CreatePipeline("1h");
  const Json first = Run("first", "mon");
  ASSERT_EQ(Outcome(first), "True") << first["status"].dump();
  kubelet_->Script("get", 1, Ending::kFail);
  StartEngine();
  const Json second = Run("second", "tue");
  ASSERT_EQ(Outcome(second), "True") << second["status"].dump();
  const Json get = StepOf(second, "get");
  EXPECT_EQ(get["phase"], "Failed");
  EXPECT_EQ(get["allowed"], true);
  EXPECT_EQ(get["lastGood"]["outcome"], "Used");
  EXPECT_EQ(get["lastGood"]["run"], "first");
  EXPECT_EQ(get["outputs"], StepOf(first, "get")["outputs"]);
  EXPECT_EQ(ConditionOf(second, "LastGoodUsed"), "True");
  // It reads the same bytes, by their digest: nothing is new.
  EXPECT_EQ(StepOf(second, "use").value("cached", false), true);
  // The run that made it may be gone: the one that used it tells of it.
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "first"));
  const Json third = Run("third", "wed");
  ASSERT_EQ(Outcome(third), "True") << third["status"].dump();
  EXPECT_EQ(StepOf(third, "get")["lastGood"], get["lastGood"]) << "and its age does not begin anew";
}

TEST_F(LastGoodEngines, ATrialAndWhatIsGoneFromTheStoreDoNotStandIn) {
  StartEngine();
  CreatePipeline("1h");
  const Json trial = Run("trial", "mon", ", publish: false");
  ASSERT_EQ(Outcome(trial), "True");
  kubelet_->Script("get", 1, Ending::kFail);
  const Json after = Run("after", "tue");
  EXPECT_EQ(Outcome(after), "False");
  EXPECT_EQ(StepOf(after, "get")["lastGood"], Json({{"outcome", "Absent"}}));
  EXPECT_THAT(StepOf(after, "get")["message"].get<std::string>(),
              HasSubstr("nothing stands in for it: no run of the Pipeline that is kept"));
  EXPECT_EQ(StepOf(after, "use")["phase"], "Skipped");
}

TEST_F(LastGoodEngines, WhatIsGoneFromTheStoreGivesWayToWhatIsOlder) {
  StartEngine();
  CreatePipeline("1h");
  const Json older = Run("older", "mon");
  ASSERT_EQ(Outcome(older), "True");
  // Times have whole seconds: the newer one is to be newer.
  ASSERT_TRUE(AwaitThat("another second", [&, begun = clock_.Now()] {
    return clock_.Now() - begun > std::chrono::milliseconds(1100);
  }));
  const Json newer = Run("newer", "tue");
  ASSERT_EQ(Outcome(newer), "True");
  const std::string digest = StepOf(newer, "get")["outputs"][0]["digest"];
  ASSERT_NE(digest, StepOf(older, "get")["outputs"][0]["digest"].get<std::string>());
  std::size_t removed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
    if (entry.is_regular_file() && entry.path().string().find(digest.substr(
                                       std::string("sha256:").size())) != std::string::npos)
      removed += std::filesystem::remove(entry.path()) ? 1 : 0;
  ASSERT_GE(removed, 1U);
  kubelet_->Script("get", 1, Ending::kFail);
  const Json after = Run("after", "wed");
  EXPECT_EQ(Outcome(after), "True") << after["status"].dump();
  EXPECT_EQ(StepOf(after, "get")["lastGood"]["run"], "older");
}

}  // namespace
}  // namespace penstock::controllers
