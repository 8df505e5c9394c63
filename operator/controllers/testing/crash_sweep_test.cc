// The operator killed before and after every one of its calls to the API server, reads too, while a
// run of Pipelines in Pipelines goes on; another takes over. Whenever that is: the same end, and
// one pod an attempt.
#include <gmock/gmock.h>

#include <algorithm>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::UnorderedElementsAreArray;
using Ending = FakeKubelet::Ending;

const std::string kTool = "\"registry.example.com/tool@sha256:" + std::string(64, '1') + "\"";

std::string Step(const std::string& name, const std::string& rest) {
  return "  - {name: " + name + ", container: {image: " + kTool + ", command: [" + name + "]}" +
         (rest.empty() ? "" : ", ") + rest + "}\n";
}

// "break", which fails, for the word "bad"; for others "first" and "last"; in the end "tidy".
std::string Item() {
  return "metadata: {name: item}\nspec:\n  runPolicy: Manual\n"
         "  parameters: [{name: word, type: string}, {name: run, type: string}]\n  steps:\n" +
         Step("break", "when: parameters.word == 'bad'") +
         Step("first",
              "when: parameters.word != 'bad', parameters: {w: \"$(parameters.run) "
              "$(parameters.word)\"}, outputs: [{name: o, type: dataset}]") +
         Step("last",
              "inputs: {i: $(steps.first.outputs.o)}, outputs: [{name: o, type: dataset}]") +
         "  finally:\n" + Step("tidy", "cache: {enabled: false}") +
         "  outputs: {data: $(steps.last.outputs.o)}\n"
         "  results: [{name: word, value: \"the $(parameters.word)\"}]\n";
}

struct Case {
  std::string name;
  // The step "call", which runs the Pipeline "item".
  std::string call;
  std::vector<std::string> pods;  // that are started, in any order
  std::size_t runs;               // within the run
  std::string results;            // of the run, JSON
  int stride = 1;                 // from call to call: a retry takes up to a second
};

const std::string kLoop =
    "forEach: {in: [red, bad, blue], parallelism: 2, minSuccess: 2}, parameters: {word: "
    "$(each.value), run: RUN}, retry: {user: {limit: ";

std::vector<Case> Cases() {
  const std::string words = R"({"words": ["the red", null, "the blue"]})";
  return {{"NestedWithFinally",
           "parameters: {word: red, run: RUN}",
           {"first/1", "last/1", "tidy/1", "use/1", "after/1"},
           1,
           R"({"words": "the red"})"},
          {"LoopWithAFailingItem",
           kLoop + "0}}",
           {"first/1", "last/1", "first/1", "last/1", "break/1", "tidy/1", "tidy/1", "tidy/1",
            "use/1", "after/1"},
           3,
           words},
          {"LoopWithAnItemThatIsTriedAgain",
           kLoop + "1, backoff: 1ms}}",
           {"first/1", "last/1", "first/1", "last/1", "break/1", "break/1", "tidy/1", "tidy/1",
            "tidy/1", "tidy/1", "use/1", "after/1"},
           4,
           words,
           4}};
}

std::string RunOf(const Case& c, const std::string& name) {
  std::string call = c.call;
  call.replace(call.find("RUN"), 3, name);
  return "metadata: {name: " + name + "}\nspec:\n pipelineSpec:\n  steps:\n" +
         "  - {name: call, pipeline: {name: item}, " + call + "}\n" +
         Step("use", "inputs: {i: $(steps.call.outputs.data)}, parameters: {run: " + name + "}") +
         "  finally:\n" + Step("after", "parameters: {run: " + name + "}") +
         "  results: [{name: words, value: $(steps.call.results.word)}]\n";
}

class CrashSweep : public EngineTest,
                   public ::testing::WithParamInterface<std::tuple<std::size_t, bool>> {
 protected:
  CrashSweep() { kubelet_->Script("break", 1, Ending::kFail); }
  std::size_t RunsWithin(const Json& run) {
    std::size_t count = 0;
    for (const Json& other : ListAll(kube::kPipelineRuns))
      count +=
          other["metadata"].value("labels", Json::object()).value("penstock.dev/parent-uid", "") ==
          run["metadata"]["uid"];
    return count;
  }
};

TEST_P(CrashSweep, AtAnyCallLeavesTheSameEndAndOnePodAnAttempt) {
  const Case c = Cases().at(std::get<0>(GetParam()));
  Create(kube::kPipelines, Item());
  for (int n = 0;; n += c.stride) {
    const std::string name = "run-" + std::to_string(n);
    const std::size_t before = kubelet_->started().size();
    KillSwitch kill(n, std::get<1>(GetParam()), KillSwitch::Counts::kAll);
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    Create(kube::kPipelineRuns, RunOf(c, name));
    while (!kill.dead() && ConditionOf(Get(kube::kPipelineRuns, name), "Finished") != "True")
      std::this_thread::yield();
    const bool killed = kill.dead();
    StartEngine();
    const Json run = AwaitFinished(name);
    const std::string when = "killed at call " + std::to_string(n);
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << when;
    EXPECT_EQ(run["status"]["results"], Json::parse(c.results)) << when;
    const auto all = kubelet_->started();
    EXPECT_THAT(std::vector<std::string>(all.begin() + static_cast<long>(before), all.end()),
                UnorderedElementsAreArray(c.pods))
        << when;
    EXPECT_EQ(RunsWithin(run), c.runs) << when;
    if (HasFailure()) return;
    StopEngine();
    // What has ended is of no interest to those that follow.
    ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", name, {}, {}));
    if (!killed) {
      EXPECT_GT(n, 10);
      std::printf("%s: killed at calls 0 to %d\n", c.name.c_str(), n);
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCall, CrashSweep,
                         ::testing::Combine(::testing::Values(0, 1, 2), ::testing::Bool()),
                         [](const auto& info) {
                           return Cases().at(std::get<0>(info.param)).name +
                                  (std::get<1>(info.param) ? "AfterIt" : "BeforeIt");
                         });

}  // namespace
}  // namespace penstock::controllers
