// Loops over Pipelines on a cluster in memory: a run for each item, whoever is killed in between.
#include <gmock/gmock.h>

#include <algorithm>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;
using Ending = FakeKubelet::Ending;

const std::string kTool = "\"registry.example.com/tool@sha256:" + std::string(64, '1') + "\"";

// What an item is: "make"; for the word "bad" then "break", for others "last"; and in the end
// "tidy". It gives what "last" gave, and as a result its word.
std::string Item() {
  return "metadata: {name: item}\nspec:\n  runPolicy: Manual\n"
         "  parameters: [{name: word, type: string}]\n  steps:\n"
         "  - {name: make, container: {image: " +
         kTool + ", command: [make, $(parameters.word)]}, outputs: [{name: o, type: dataset}]}\n" +
         "  - {name: break, when: parameters.word == 'bad', container: {image: " + kTool +
         ", command: [break]}, dependsOn: [{step: make}]}\n" +
         "  - {name: last, when: parameters.word != 'bad', container: {image: " + kTool +
         ", command: [last]}, inputs: {i: $(steps.make.outputs.o)}, outputs: [{name: o, type: "
         "dataset}]}\n" +
         "  finally:\n  - {name: tidy, container: {image: " + kTool +
         ", command: [tidy]}, parameters: {word: $(parameters.word)}}\n"
         "  outputs: {data: $(steps.last.outputs.o)}\n"
         "  results: [{name: word, value: \"the $(parameters.word)\"}]\n";
}

// `list` is what "each" goes over; then "use".
std::string Outer(const std::string& name, const std::string& list, const std::string& more = "") {
  return "metadata: {name: " + name +
         "}\nspec:\n  pipelineSpec:\n    steps:\n    - {name: each, pipeline: {name: item}, "
         "forEach: " +
         list + ", parameters: {word: $(each.value)}" + more +
         "}\n    - {name: use, container: {image: " + kTool +
         ", command: [use]}, inputs: {all: $(steps.each.outputs.data)}, parameters: {words: "
         "$(steps.each.results.word), run: " +
         name + "}}\n    results: [{name: words, value: $(steps.each.results.word)}]\n";
}

class NestedLoops : public EngineTest {
 protected:
  NestedLoops() { kubelet_->Script("break", 1, Ending::kFail); }

  std::vector<Json> RunsOf(const std::string& run) {
    const std::string uid = Get(kube::kPipelineRuns, run)["metadata"]["uid"];
    std::vector<Json> runs;
    for (Json& other : ListAll(kube::kPipelineRuns))
      if (other["metadata"].value("labels", Json::object()).value("penstock.dev/parent-uid", "") ==
          uid)
        runs.push_back(std::move(other));
    return runs;
  }
  // "item/attempt", in the order of the names.
  std::vector<std::string> ItemsOf(const std::string& run) {
    std::vector<std::string> items;
    for (const Json& child : RunsOf(run)) {
      const Json& labels = child["metadata"]["labels"];
      items.push_back(labels["penstock.dev/item"].get<std::string>() + "/" +
                      labels["penstock.dev/attempt"].get<std::string>());
    }
    return items;
  }
  std::string RunOf(const std::string& run, int item) {
    std::string name;
    AwaitThat("item " + std::to_string(item) + " has a run", [&] {
      for (const Json& child : RunsOf(run))
        if (child["metadata"]["labels"]["penstock.dev/item"] == std::to_string(item))
          name = child["metadata"]["name"];
      return !name.empty();
    });
    return name;
  }
  // Names in the folder that is the first output of "each".
  std::string Entries(const Json& run) {
    const Json folder = StepOf(run, "each")["outputs"][0];
    const auto target = folder_ / ("out-" + run["metadata"]["name"].get<std::string>());
    const auto got = store_->Get("team", {folder["digest"], true, folder["bytes"]}, target);
    EXPECT_TRUE(got) << (got ? "" : got.error().message);
    auto text = ReadFile(target / ".items.json");
    EXPECT_TRUE(artifacts::RemoveTree(target));
    return text ? *text : text.error().message;
  }
};

TEST(ObjectTables, CountWhatIsBelowAnObjectAtAnyDepthUpToABound) {
  ObjectTable<Known<api::PipelineRun>> runs;
  const auto put = [&](const std::string& name, const std::string& owner) {
    Known<api::PipelineRun> run;
    run.meta.name = name;
    run.meta.namespace_ = "team";
    run.meta.uid = "uid-" + name;
    if (!owner.empty())
      run.meta.owners = {{api::kApiVersion, "PipelineRun", owner, "uid-" + owner, true}};
    runs.Put(std::move(run));
  };
  put("top", "");
  for (const char* name : {"a", "b", "c"}) put(name, "top");
  put("a-1", "a");
  put("other", "elsewhere");
  EXPECT_EQ(runs.CountBelow("uid-top", 100), 4U);
  EXPECT_EQ(runs.CountBelow("uid-top", 2), 2U);
  EXPECT_EQ(runs.CountBelow("uid-none", 100), 0U);
  EXPECT_EQ(runs.OwnedBy("uid-top").size(), 3U);
  put("b", "a");  // somebody gives it to another
  EXPECT_EQ(runs.OwnedBy("uid-top").size(), 2U);
  EXPECT_EQ(runs.CountBelow("uid-a", 100), 2U);
  runs.Drop({"team", "a"}, "uid-a");
  EXPECT_EQ(runs.CountBelow("uid-top", 100), 1U) << "what is left of it is found no more";
}

TEST_F(NestedLoops, RunAPipelineForEachItemAndGatherWhatTheyGaveInOrder) {
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green, blue], parallelism: 2}"));
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  const Json each = StepOf(top, "each");
  EXPECT_EQ(each["items"]["succeededIndexes"], "0-2");
  EXPECT_EQ(each["results"]["word"], Json::parse(R"(["the red", "the green", "the blue"])"));
  EXPECT_EQ(top["status"]["results"]["words"], each["results"]["word"]);
  EXPECT_EQ(Entries(top), "{\"items\":[\"0000\",\"0001\",\"0002\"]}\n");
  EXPECT_EQ(kubelet_->starts("make"), 3);
  EXPECT_EQ(kubelet_->starts("tidy"), 3);
  EXPECT_EQ(kubelet_->starts("use"), 1);
  EXPECT_THAT(ItemsOf("top"), UnorderedElementsAre("0/1", "1/1", "2/1"));
  for (const Json& child : RunsOf("top")) {
    EXPECT_EQ(child["spec"]["pipelineRef"]["name"], "item");
    EXPECT_EQ(child["metadata"]["ownerReferences"][0]["uid"], top["metadata"]["uid"]);
  }
}

TEST_F(NestedLoops, TakeEqualItemsFromTheCacheWhereverTheyStand) {
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green]}"));
  AwaitFinished("top");
  Create(kube::kPipelineRuns, Outer("again", "{in: [blue, green, red]}"));
  EXPECT_EQ(ConditionOf(AwaitFinished("again"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("make"), 3) << "only for blue";
  EXPECT_EQ(kubelet_->starts("last"), 3);
}

TEST_F(NestedLoops, GoOnWhereOneItemFailsAndEnoughSucceed) {
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, bad, blue], minSuccess: 60%}"));
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  const Json each = StepOf(top, "each");
  EXPECT_EQ(each["items"]["failedIndexes"], "1");
  EXPECT_EQ(each["results"]["word"], Json::parse(R"(["the red", null, "the blue"])"));
  EXPECT_EQ(Entries(top), "{\"items\":[\"0000\",null,\"0002\"]}\n");
  EXPECT_THAT(each.value("message", ""), HasSubstr("its run " + RunOf("top", 1) + " failed: "));
  EXPECT_THAT(each.value("message", ""), HasSubstr("step break (ExitCode)"));
  EXPECT_EQ(kubelet_->starts("tidy"), 3) << "also of the one that failed";
}

TEST_F(NestedLoops, FailWithTheItemThatFailedWhereAllMustSucceed) {
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns,
         Outer("top", "{in: [bad, red]}", ", retry: {user: {limit: 1, backoff: 1ms}}"));
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "False");
  EXPECT_EQ(StepOf(top, "use")["phase"], "Skipped");
  EXPECT_THAT(ItemsOf("top"), UnorderedElementsAre("0/1", "0/2", "1/1"));
  EXPECT_EQ(kubelet_->starts("make"), 2) << "the second attempt takes it from the cache";
}

TEST_F(NestedLoops, AreCancelledWithTheRunAboveThemAndTidyUp) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green, blue], parallelism: 2}"));
  for (const int item : {0, 1})
    Await(kube::kPipelineRuns, RunOf("top", item), "last runs",
          [](const Json& run) { return StepOf(run, "last").value("phase", "") == "Running"; });
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"cancel", "Stop"}}}});
  const Json top = AwaitFinished("top");
  EXPECT_EQ(StepOf(top, "each")["phase"], "Cancelled");
  EXPECT_EQ(RunsOf("top").size(), 2U);
  for (const Json& child : RunsOf("top")) {
    EXPECT_EQ(child["spec"]["cancel"], "Stop");
    EXPECT_EQ(ConditionOf(child, "Finished"), "True");
    EXPECT_EQ(StepOf(child, "tidy")["phase"], "Succeeded");
  }
}

TEST_F(NestedLoops, StartNothingWhileTheRunAboveIsSuspended) {
  kubelet_->Script("make", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green], parallelism: 1}"));
  Await(kube::kPipelineRuns, RunOf("top", 0), "make runs",
        [](const Json& run) { return StepOf(run, "make").value("phase", "") == "Running"; });
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"suspend", true}}}});
  Await(kube::kPipelineRuns, RunOf("top", 0), "suspended", [](const Json& run) {
    return run["status"]["conditions"][0].value("reason", "") == "Suspended";
  });
  kubelet_->Script("make", 1, Ending::kSucceed);
  kubelet_->Finish("make");
  Await(kube::kPipelineRuns, RunOf("top", 0), "make ended",
        [](const Json& run) { return StepOf(run, "make").value("phase", "") == "Succeeded"; });
  EXPECT_EQ(kubelet_->starts("last"), 0);
  EXPECT_EQ(RunsOf("top").size(), 1U);
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"suspend", false}}}});
  EXPECT_EQ(ConditionOf(AwaitFinished("top"), "Succeeded"), "True");
}

TEST_F(NestedLoops, AreKeptAsLongAsTheRunAboveThemAndGoWithIt) {
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green]}"));
  AwaitFinished("top");
  EXPECT_EQ(ListAll(kube::kPipelineRuns).size(), 3U);
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"ttlAfterFinished", "1ms"}}}});
  AwaitThat("no run is left", [&] { return ListAll(kube::kPipelineRuns).empty(); });
  AwaitThat("no pod is left", [&] { return ListAll(kube::kPods).empty(); });
}

TEST_F(NestedLoops, GoWithTheRunAboveThemThatIsDeletedInTheMiddle) {
  kubelet_->Script("make", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green, blue], parallelism: 2}"));
  AwaitThat("two hang", [&] { return kubelet_->starts("make") == 2; });
  const auto top = cluster_.Get(kube::kPipelineRuns, "team", "top");
  ASSERT_TRUE(top);
  const std::string owner = (*top)["metadata"]["uid"];
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "top", {}, {}));
  AwaitThat("no run is left", [&] { return ListAll(kube::kPipelineRuns).empty(); });
  for (const Json& pod : ListAll(kube::kPods)) {
    kube::DeleteOptions now;  // as the kubelet does it
    now.grace_period_seconds = 0;
    static_cast<void>(cluster_.Delete(kube::kPods, "team", pod["metadata"]["name"], now, {}));
  }
  AwaitThat("no pod is left", [&] { return ListAll(kube::kPods).empty(); });
  StopEngine();
  EXPECT_EQ(kubelet_->starts("make"), 2);
  // One whose creation was under way when the run above went: its owner's UID is gone, by which a
  // cluster's garbage collector takes it. The one in memory looks at owners at their deletion only.
  for (const Json& left : ListAll(kube::kPipelineRuns)) {
    EXPECT_EQ(left["metadata"]["ownerReferences"][0]["uid"], owner) << left;
    EXPECT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", left["metadata"]["name"], {}, {}));
  }
  EXPECT_EQ(ListAll(kube::kPipelineRuns).size(), 0U);
}

TEST_F(NestedLoops, WithinEachOtherGatherListsOfLists) {
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns,
         "metadata: {name: top}\nspec:\n  pipelineSpec:\n    steps:\n    - name: each\n"
         "      forEach: {in: [[a, b], [], [c]]}\n      parameters: {list: $(each.value)}\n"
         "      pipeline:\n        steps:\n        - {name: inner, pipeline: {name: item}, "
         "forEach: {in: $(parameters.list)}, parameters: {word: $(each.value)}}\n"
         "        outputs: {all: $(steps.inner.outputs.data)}\n"
         "        results: [{name: words, value: $(steps.inner.results.word)}]\n"
         "    results: [{name: words, value: $(steps.each.results.words)}]\n");
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  EXPECT_EQ(top["status"]["results"]["words"],
            Json::parse(R"([["the a", "the b"], [], ["the c"]])"));
  EXPECT_EQ(Entries(top), "{\"items\":[\"0000\",\"0001\",\"0002\"]}\n");
  EXPECT_EQ(ListAll(kube::kPipelineRuns).size(), 1U + 3U + 3U);
}

TEST_F(NestedLoops, AreFollowedThoughSomebodyTakesTheirLabels) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red, green]}"));
  const std::string child = RunOf("top", 1);
  Await(kube::kPipelineRuns, child, "last runs",
        [](const Json& run) { return StepOf(run, "last").value("phase", "") == "Running"; });
  Patch(kube::kPipelineRuns, child,
        {{"metadata",
          {{"labels",
            {{"penstock.dev/step", nullptr},
             {"penstock.dev/item", "0"},
             {"penstock.dev/attempt", "7"}}}}}});
  AwaitThat("both hang", [&] { return kubelet_->starts("last") == 2; });
  kubelet_->Script("last", 1, Ending::kSucceed);
  kubelet_->Finish("last");
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  EXPECT_EQ(top["status"]["results"]["words"], Json::parse(R"(["the red", "the green"])"));
  EXPECT_EQ(kubelet_->starts("last"), 2);
}

TEST_F(NestedLoops, WhoseRunSomebodyDeletesRunThatItemAgain) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [red]}"));
  const std::string child = RunOf("top", 0);
  Await(kube::kPipelineRuns, child, "last runs",
        [](const Json& run) { return StepOf(run, "last").value("phase", "") == "Running"; });
  kubelet_->Script("last", 1, Ending::kSucceed);
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", child, {}, {}));
  EXPECT_EQ(ConditionOf(AwaitFinished("top"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("make"), 1);
}

TEST_F(NestedLoops, ThatAreResumedByANewEngineInTheMiddleMakeNoRunTwice) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, Item());
  Create(kube::kPipelineRuns, Outer("top", "{in: [a, b, c, d, e], parallelism: 3}"));
  AwaitThat("three hang", [&] { return kubelet_->starts("last") == 3; });
  StopEngine();
  const auto before = ItemsOf("top");
  kubelet_->Script("last", 1, Ending::kSucceed);
  kubelet_->Finish("last");
  StartEngine();
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  EXPECT_EQ(before.size(), 3U);
  EXPECT_THAT(ItemsOf("top"), UnorderedElementsAre("0/1", "1/1", "2/1", "3/1", "4/1"));
  EXPECT_EQ(kubelet_->starts("last"), 5);
  EXPECT_EQ(StepOf(top, "each")["results"]["word"].size(), 5U);
}

}  // namespace
}  // namespace penstock::controllers
