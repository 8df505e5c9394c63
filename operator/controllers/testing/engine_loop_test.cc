// Looped steps through engines that are killed: items, retries, gathered folders.
#include <gmock/gmock.h>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::UnorderedElementsAre;
using Ending = FakeKubelet::Ending;

// Four items of which three must succeed, two at a time, and a step that takes what they gave.
std::string LoopRun(const std::string& name) {
  const std::string image = "registry.example.com/tool@sha256:" + std::string(64, '1');
  return "metadata: {name: " + name +
         "}\nspec:\n  pipelineSpec:\n    steps:\n"
         "    - name: each\n      container: {image: \"" +
         image +
         "\", command: [run, $(each.value)]}\n      forEach: {in: [a, b, c, d], parallelism: 2, "
         "minSuccess: 75%}\n      parameters: {run: \"" +
         name +
         "\"}\n      retry: {user: {limit: 1, backoff: 1ms}}\n      outputs: [{name: o, type: "
         "dataset}]\n      results: [{name: auc, type: number}]\n"
         "    - name: use\n      container: {image: \"" +
         image +
         "\", command: [use]}\n      inputs: {all: $(steps.each.outputs.o)}\n      parameters: "
         "{aucs: $(steps.each.results.auc)}\n";
}

class EngineLoops : public EngineTest {
 protected:
  EngineLoops() {
    kubelet_->Script("each.1", 1, Ending::kFail);
    kubelet_->Script("each.3", 1, Ending::kFail);
    kubelet_->Script("each.3", 2, Ending::kFail);
  }
  // What a finished run of LoopRun must be, whatever happened on the way.
  void ExpectWhole(const Json& run) {
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
    const Json each = StepOf(run, "each");
    EXPECT_EQ(each["phase"], "Succeeded");
    EXPECT_EQ(each["items"]["succeededIndexes"], "0-2");
    EXPECT_EQ(each["items"]["failedIndexes"], "3");
    EXPECT_EQ(each["results"]["auc"], Json::parse("[0.75, 0.75, 0.75, null]"));
    const Json& folder = each["outputs"][0];
    EXPECT_EQ(folder["name"], "o");
    const auto target = folder_ / ("out-" + run["metadata"]["name"].get<std::string>());
    ASSERT_TRUE(store_->Get("team", {folder["digest"], true, folder["bytes"]}, target));
    EXPECT_EQ(ReadFile(target / ".items.json").value(),
              "{\"items\":[\"0000\",\"0001\",\"0002\",null]}\n");
    EXPECT_TRUE(std::filesystem::exists(target / "0002"));
    EXPECT_FALSE(std::filesystem::exists(target / "0003"));
    ASSERT_TRUE(artifacts::RemoveTree(target));
  }
};

TEST_F(EngineLoops, RunTheirItemsAndGatherWhatTheyGave) {
  StartEngine();
  Create(kube::kPipelineRuns, LoopRun("first"));
  ExpectWhole(AwaitFinished("first"));
  EXPECT_THAT(kubelet_->started(),
              UnorderedElementsAre("each.0/1", "each.1/1", "each.1/2", "each.2/1", "each.3/1",
                                   "each.3/2", "use/1"));
}

TEST_F(EngineLoops, TakeEqualItemsOfAnotherRunFromTheCache) {
  StartEngine();
  const auto spec = [](const std::string& name, const std::string& list) {
    return "metadata: {name: " + name +
           "}\nspec:\n  pipelineSpec:\n    steps:\n    - name: each\n      container: {image: "
           "\"i@sha256:" +
           std::string(64, '1') + "\", command: [run]}\n      forEach: {in: " + list +
           "}\n      retry: {user: {limit: 1, backoff: 1ms}}\n      outputs: [{name: o}]\n      "
           "results: [{name: auc, type: number}]\n";
  };
  Create(kube::kPipelineRuns, spec("first", "[a, b]"));
  AwaitFinished("first");
  // Once the entries stand, which nobody waits for.
  Create(kube::kPipelineRuns, spec("second", "[c, b, a]"));
  const Json run = AwaitFinished("second");
  EXPECT_EQ(StepOf(run, "each")["items"]["succeededIndexes"], "0-2");
  EXPECT_EQ(StepOf(run, "each")["results"]["auc"], Json::parse("[0.75, 0.75, 0.75]"));
  EXPECT_THAT(kubelet_->started(),
              UnorderedElementsAre("each.0/1", "each.1/1", "each.1/2", "each.0/1"));
}

TEST_F(EngineLoops, OverNothingSucceedWithAnEmptyFolder) {
  StartEngine();
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\nspec:\n  pipelineSpec:\n    steps:\n    - {name: each, "
         "container: {image: i, command: [run]}, forEach: {in: []}, outputs: [{name: o}], results: "
         "[{name: r}]}\n");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(StepOf(run, "each")["results"]["r"], Json::array());
  EXPECT_EQ(kubelet_->starts("each"), 0);
}

class EngineLoopKills : public EngineLoops, public ::testing::WithParamInterface<bool> {};

TEST_P(EngineLoopKills, AtAnyWriteLeaveALoopThatEndsTheSame) {
  for (int n = 0;; ++n) {
    const std::string name = "run-" + std::to_string(n);
    const std::size_t before = kubelet_->started().size();
    KillSwitch kill(n, GetParam());
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    Create(kube::kPipelineRuns, LoopRun(name));
    while (!kill.dead() && ConditionOf(Get(kube::kPipelineRuns, name), "Finished") != "True")
      std::this_thread::yield();
    const bool killed = kill.dead();
    StartEngine();
    ExpectWhole(AwaitFinished(name));
    const auto all = kubelet_->started();
    EXPECT_THAT(std::vector<std::string>(all.begin() + static_cast<long>(before), all.end()),
                UnorderedElementsAre("each.0/1", "each.1/1", "each.1/2", "each.2/1", "each.3/1",
                                     "each.3/2", "use/1"))
        << "killed at write " << n;
    if (HasFailure()) return;
    StopEngine();
    if (!killed) {
      EXPECT_GT(n, 8);
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, EngineLoopKills, ::testing::Values(false, true),
                         [](const auto& info) {
                           return info.param ? "AnswerLost" : "NotCarriedOut";
                         });

}  // namespace
}  // namespace penstock::controllers
