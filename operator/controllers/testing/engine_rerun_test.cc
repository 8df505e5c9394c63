// Runs that do another one again (spec.rerun): what they are pinned to, on a cluster in memory.
#include <gmock/gmock.h>

#include <fstream>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;
using Ending = FakeKubelet::Ending;

class RerunEngines : public EngineTest {
 protected:
  static std::string Work(const std::string& name, const std::string& more) {
    return "  - {name: " + name + ", container: {image: \"tool@sha256:" + std::string(64, '1') +
           "\", command: [work]}, outputs: [{name: table}]" + (more.empty() ? "" : ", " + more) +
           "}\n";
  }
  void CreatePipeline(const std::string& spec) {
    Create(kube::kPipelines,
           "metadata: {name: p}\nspec:\n  runPolicy: Manual\n"
           "  parameters: [{name: greeting, default: hello}, {name: k, type: integer, default: 1},"
           " {name: m, type: integer, default: 1}]\n"
           "  defaults: {retry: {user: {limit: 0}}}\n" +
               spec);
  }
  Json Run(const std::string& name, const std::string& spec) {
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineRef: {name: p}, " + spec + "}\n");
    return AwaitFinished(name);
  }
  plan::ResolvedRun PinnedOf(const Json& run) {
    const Json revision =
        Get(kube::kControllerRevisions, run["status"]["revision"].get<std::string>());
    auto read = revisions::ReadRevision(revision);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read ? *read : plan::ResolvedRun();
  }
  static std::string WhyNot(const Json& run) {
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "False");
    for (const Json& c : run["status"]["conditions"])
      if (c["type"] == "Succeeded") {
        EXPECT_EQ(c["reason"], "InvalidSpec");
        return c["message"];
      }
    return "";
  }
};

TEST_F(RerunEngines, ARerunOfARerunHasTheParametersOfTheFirstRun) {
  StartEngine();
  CreatePipeline("  steps:\n" + Work("a", "parameters: {g: $(parameters.greeting)}") +
                 Work("b", "parameters: {k: $(parameters.k), m: $(parameters.m)}"));
  Run("first", "parameters: {greeting: x, k: 2}");
  Run("second", "rerun: {of: first}, parameters: {k: 3}");
  const Json third = Run("third", "rerun: {of: second}, parameters: {m: 4}");
  EXPECT_EQ(ConditionOf(third, "Succeeded"), "True") << third["status"].dump();
  EXPECT_EQ(PinnedOf(third).parameters,
            (std::map<std::string, Json>{{"greeting", "x"}, {"k", 3}, {"m", 4}}));
  EXPECT_EQ(StepOf(third, "a").value("reason", ""), "Taken");
  const Json latest = Run("latest", "rerun: {of: third, latest: true}, parameters: {m: 5}");
  EXPECT_EQ(PinnedOf(latest).parameters,
            (std::map<std::string, Json>{{"greeting", "x"}, {"k", 3}, {"m", 5}}));
}

TEST_F(RerunEngines, ARerunOfARerunHasTheInputsOfTheFirstRun) {
  StartEngine();
  CreatePipeline("  inputs: [{name: raw}]\n  steps:\n" + Work("a", "inputs: {r: $(inputs.raw)}") +
                 Work("b", "parameters: {k: $(parameters.k)}"));
  std::ofstream(folder_ / "raw") << "a,b";
  const std::string digest = store_->Put("team", folder_ / "raw").value().digest;
  Run("first", "inputs: {raw: \"" + digest + "\"}");
  Run("second", "rerun: {of: first}, parameters: {k: 3}");
  const Json third = Run("third", "rerun: {of: second}, parameters: {k: 4}");
  EXPECT_EQ(ConditionOf(third, "Succeeded"), "True") << third["status"].dump();
  EXPECT_EQ(PinnedOf(third).inputs, (std::map<std::string, std::string>{{"raw", digest}}));
  EXPECT_EQ(StepOf(third, "a").value("reason", ""), "Taken");
}

TEST_F(RerunEngines, ADaysRunDoneAgainByHandIsToSayWhichDayAndThatItPublishesNothing) {
  StartEngine();
  CreatePipeline("  steps:\n" + Work("a", "parameters: {d: $(run.scheduledTime)}"));
  Run("first", "publish: false, scheduledTime: \"2026-11-03T00:00:00Z\"");
  EXPECT_THAT(WhyNot(Run("publishes", "rerun: {of: first, from: [a]}")),
              HasSubstr("spec.publish: is to be false, as run first publishes nothing"));
  EXPECT_THAT(WhyNot(Run("today", "rerun: {of: first, from: [a]}, publish: false")),
              HasSubstr("spec.scheduledTime: is required: run first is for 2026-11-03T00:00:00Z"));
  const Json run = Run("again",
                       "rerun: {of: first, from: [a]}, publish: false, "
                       "scheduledTime: \"2026-11-03T00:00:00Z\"");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run["status"].dump();
}

TEST_F(RerunEngines, ARerunIsRefusedWhatThePolicyOfTodayDoesNotAllowAPod) {
  StartEngine();
  CreatePipeline("  steps:\n" + Work("a", "pod: {dnsPolicy: Default}"));
  Run("first", "parameters: {}");
  pod_fields_ = {"annotations"};
  StartEngine();
  EXPECT_THAT(WhyNot(Run("second", "rerun: {of: first, from: [a]}")),
              HasSubstr("spec.steps[a].pod.dnsPolicy: the platform's policy does not allow it"));
  EXPECT_EQ(kubelet_->starts("a"), 1);
}

TEST_F(RerunEngines, AVerdictOnWhatThePipelineHadPublishedBeforeIsMadeAgain) {
  StartEngine();
  CreatePipeline("  outputs: {table: $(steps.make.outputs.table)}\n  steps:\n" +
                 Work("make", "parameters: {k: $(parameters.k)}") +
                 Work("judge",
                      "inputs: {new: $(steps.make.outputs.table), "
                      "old: {firstOf: [$(pipelines.p.outputs.table)], optional: true}}") +
                 Work("last", "dependsOn: [{step: judge}]"));
  kubelet_->Script("last", 1, Ending::kFail);
  EXPECT_EQ(ConditionOf(Run("first", "parameters: {k: 1}"), "Succeeded"), "False");
  const Json same = Run("same", "rerun: {of: first}");
  EXPECT_EQ(StepOf(same, "judge").value("reason", ""), "Taken") << "nothing was published since";
  kubelet_->Script("last", 1, Ending::kSucceed);
  EXPECT_EQ(ConditionOf(Run("other", "parameters: {k: 2}"), "Succeeded"), "True");
  const Json pipeline = Await(kube::kPipelines, "p", "published", [](const Json& o) {
    return o.value("status", Json::object()).contains("outputs");
  });
  const Json again = Run("again", "rerun: {of: first}");
  EXPECT_EQ(ConditionOf(again, "Succeeded"), "True") << again["status"].dump();
  EXPECT_EQ(StepOf(again, "make").value("reason", ""), "Taken");
  EXPECT_NE(StepOf(again, "judge").value("reason", ""), "Taken");
  const plan::ResolvedRun pinned = PinnedOf(again);
  const auto& published = pinned.Find("judge")->published.at("p/table");
  ASSERT_TRUE(published);
  EXPECT_EQ(published->digest, pipeline["status"]["outputs"][0]["digest"]);
}

TEST_F(RerunEngines, OfARunThatGoesOnItWaitsAndIsNotRefusedForGood) {
  StartEngine();
  CreatePipeline("  steps:\n" + Work("a", ""));
  kubelet_->Script("a", 1, Ending::kHang);
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineRef: {name: p}}\n");
  Create(kube::kPipelineRuns,
         "metadata: {name: second}\nspec: {pipelineRef: {name: p}, rerun: {of: first}}\n");
  const Json run = Await(kube::kPipelineRuns, "second", "says so", [](const Json& object) {
    return object.dump().find("run first has not ended") != std::string::npos;
  });
  EXPECT_EQ(ConditionOf(run, "Stalled"), "True");
  EXPECT_EQ(ConditionOf(run, "Finished"), "False");
}

}  // namespace
}  // namespace penstock::controllers
