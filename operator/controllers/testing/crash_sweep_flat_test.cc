// As crash_sweep_test.cc, of runs without a Pipeline within: a chain, a loop over pods with a
// failure, a run that comes from the cache, and a run whose Pipeline is deleted under it.
#include <gmock/gmock.h>

#include <algorithm>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::UnorderedElementsAreArray;
using Ending = FakeKubelet::Ending;

const std::string kImage = "\"registry.example.com/tool@sha256:" + std::string(64, '1') + "\"";

std::string FlatStep(const std::string& name, const std::string& rest) {
  return "  - {name: " + name + ", container: {image: " + kImage + ", command: [" + name + "]}, " +
         rest + "}\n";
}
const std::string kData = "outputs: [{name: o, type: dataset}]";

struct FlatCase {
  std::string name;
  std::string steps;              // of the spec; RUN is the run's name
  std::vector<std::string> pods;  // that are started, in any order
  std::string results;            // of the run, JSON
  bool again = false;             // a run of the same content came before
  bool deleted = false;           // its Pipeline is, once the run is pinned
};

std::vector<FlatCase> FlatCases() {
  const std::string chain =
      FlatStep("a", "parameters: {run: RUN}, " + kData) +
      FlatStep("b", "inputs: {i: $(steps.a.outputs.o)}, results: [{name: auc, type: number}], " +
                        kData) +
      "  finally:\n" + FlatStep("tidy", "parameters: {run: RUN}") +
      "  results: [{name: auc, value: $(steps.b.results.auc)}]\n";
  const std::string loop =
      FlatStep("each",
               "forEach: {in: [x, bad, y], parallelism: 2, minSuccess: 2}, parameters: "
               "{run: RUN, word: $(each.value)}, " +
                   kData) +
      FlatStep("use",
               "inputs: {all: $(steps.each.outputs.o)}, parameters: {run: RUN}, results: "
               "[{name: auc, type: number}]") +
      "  results: [{name: auc, value: $(steps.use.results.auc)}]\n";
  const std::string auc = R"({"auc": 0.75})";
  return {
      {"Chain", chain, {"a/1", "b/1", "tidy/1"}, auc},
      {"LoopWithAFailingItem", loop, {"each.0/1", "each.1/1", "each.2/1", "use/1"}, auc},
      {"RunFromTheCache", chain, {}, auc, true},
      {"PipelineDeletedUnderItsRun", chain, {"a/1", "b/1", "tidy/1"}, auc, false, true},
  };
}

class FlatCrashSweep : public EngineTest,
                       public ::testing::WithParamInterface<std::tuple<std::size_t, bool>> {
 protected:
  FlatCrashSweep() { kubelet_->Script("each.1", 1, Ending::kFail); }

  void CreateRun(const FlatCase& c, const std::string& name) {
    std::string steps = c.steps;
    for (auto at = steps.find("RUN"); at != std::string::npos; at = steps.find("RUN"))
      steps.replace(at, 3, c.again ? "same" : name);
    Create(kube::kPipelines,
           "metadata: {name: " + name + "}\nspec:\n  runPolicy: Manual\n  steps:\n" + steps);
    Create(kube::kPipelineRuns,
           "metadata: {name: " + name + "}\nspec: {pipelineRef: {name: " + name + "}}\n");
  }
  [[nodiscard]] bool IsPinned(const std::string& run) {
    return !Get(kube::kPipelineRuns, run)
                .value("status", Json::object())
                .value("revision", "")
                .empty();
  }
  void DeletePipeline(const std::string& name) {
    ASSERT_TRUE(cluster_.Delete(kube::kPipelines, "team", name, {}, {}));
  }
};

TEST_P(FlatCrashSweep, AtAnyCallLeavesTheSameEndAndOnePodAnAttempt) {
  const FlatCase c = FlatCases().at(std::get<0>(GetParam()));
  if (c.again) {
    StartEngine();
    CreateRun(c, "before");
    AwaitFinished("before");
  }
  for (int n = 0;; ++n) {
    const std::string name = "run-" + std::to_string(n);
    const std::size_t before = kubelet_->started().size();
    KillSwitch kill(n, std::get<1>(GetParam()), KillSwitch::Counts::kAll);
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    CreateRun(c, name);
    bool is_there = true;
    while (!kill.dead() && ConditionOf(Get(kube::kPipelineRuns, name), "Finished") != "True") {
      if (c.deleted && is_there && IsPinned(name)) {
        DeletePipeline(name);
        is_there = false;
      }
      std::this_thread::yield();
    }
    const bool killed = kill.dead();
    StartEngine();
    if (c.deleted && is_there) {
      ASSERT_TRUE(AwaitThat("it is pinned", [&] { return IsPinned(name); }));
      DeletePipeline(name);
      is_there = false;
    }
    const Json run = AwaitFinished(name);
    const std::string when = "killed at call " + std::to_string(n);
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << when;
    EXPECT_EQ(run["status"]["results"], Json::parse(c.results)) << when;
    const auto all = kubelet_->started();
    EXPECT_THAT(std::vector<std::string>(all.begin() + static_cast<long>(before), all.end()),
                UnorderedElementsAreArray(c.pods))
        << when;
    if (HasFailure()) return;
    StopEngine();
    // What has ended is of no interest to those that follow.
    ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", name, {}, {}));
    if (is_there) DeletePipeline(name);
    if (!killed) {
      EXPECT_GT(n, 5);
      std::printf("%s: killed at calls 0 to %d\n", c.name.c_str(), n);
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCall, FlatCrashSweep,
                         ::testing::Combine(::testing::Values(0, 1, 2, 3), ::testing::Bool()),
                         [](const auto& info) {
                           return FlatCases().at(std::get<0>(info.param)).name +
                                  (std::get<1>(info.param) ? "AfterIt" : "BeforeIt");
                         });

}  // namespace
}  // namespace penstock::controllers
