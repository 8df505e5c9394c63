// Pipelines in pipelines over a cluster in memory: runs within runs, whoever is killed in between.
#include <gmock/gmock.h>

#include <atomic>

#include "operator/base/pause.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ending = FakeKubelet::Ending;

const std::string kTool = "\"registry.example.com/tool@sha256:" + std::string(64, '1') + "\"";

std::string Container(const std::string& name, const std::string& rest = "") {
  return "{name: " + name + ", container: {image: " + kTool + ", command: [" + name + "]}" +
         (rest.empty() ? "" : ", " + rest) + ", outputs: [{name: data, type: dataset}]}";
}

// What "one" is: two steps that read what it is given.
std::string One() {
  return "metadata: {name: one}\nspec:\n  runPolicy: Manual\n"
         "  parameters: [{name: value, type: string}]\n  inputs: [{name: rows, type: dataset}]\n"
         "  steps:\n  - " +
         Container("first",
                   "inputs: {d: $(inputs.rows)}, parameters: {value: $(parameters.value)}") +
         "\n  - " + Container("last", "inputs: {d: $(steps.first.outputs.data)}") +
         "\n  outputs: {data: $(steps.last.outputs.data)}\n";
}

// A run of make, then "one", then in place, then use.
std::string Outer(const std::string& name, const std::string& more = "") {
  return "metadata: {name: " + name + "}\nspec:\n  pipelineSpec:\n    steps:\n    - " +
         Container("make", "parameters: {value: " + name + "}") +
         "\n    - {name: call, pipeline: {name: one}, parameters: {value: " + name +
         "}, inputs: {rows: $(steps.make.outputs.data)}" + more +
         "}\n    - name: place\n      inputs: {rows: $(steps.call.outputs.data)}\n"
         "      pipeline:\n        steps:\n        - " +
         Container("inside", "inputs: {d: $(inputs.rows)}") +
         "\n        outputs: {data: $(steps.inside.outputs.data)}\n    - " +
         Container("use", "inputs: {d: $(steps.place.outputs.data)}") +
         "\n    outputs: {data: $(steps.use.outputs.data)}\n";
}

class NestedRuns : public EngineTest {
 protected:
  // Names of the runs within this one.
  std::vector<std::string> Within(const std::string& run) {
    const std::string uid = Get(kube::kPipelineRuns, run)["metadata"]["uid"];
    std::vector<std::string> names;
    for (const Json& other : ListAll(kube::kPipelineRuns))
      if (other["metadata"].value("labels", Json::object()).value("penstock.dev/parent-uid", "") ==
          uid)
        names.push_back(other["metadata"]["name"]);
    return names;
  }
  std::string ChildOf(const std::string& run, const std::string& step) {
    return Await(
               kube::kPipelineRuns, run, "has a run of " + step,
               [&](const Json& object) { return StepOf(object, step).contains("run"); })["metadata"]
                   .is_null()
               ? ""
               : StepOf(Get(kube::kPipelineRuns, run), step).value("run", "");
  }
};

TEST_F(NestedRuns, CarryAPipelineByNameAndOneInPlaceToTheirOutputs) {
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  EXPECT_THAT(kubelet_->started(), ElementsAre("make/1", "first/1", "last/1", "inside/1", "use/1"));
  const Json child = Get(kube::kPipelineRuns, StepOf(top, "call")["run"]);
  EXPECT_EQ(child["spec"]["pipelineRef"]["name"], "one");
  EXPECT_EQ(child["metadata"]["ownerReferences"][0]["uid"], top["metadata"]["uid"]);
  EXPECT_EQ(StepOf(top, "call")["outputs"][0]["digest"], child["status"]["outputs"][0]["digest"]);
  EXPECT_EQ(StepOf(top, "call")["outputs"][0]["type"], "dataset");
  EXPECT_EQ(top["status"]["outputs"].size(), 1U);
}

TEST_F(NestedRuns, CountForNoPipelineAndPublishNothing) {
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  AwaitFinished("top");
  Create(kube::kPipelineRuns, Outer("again"));
  AwaitFinished("again");
  const Json one = Get(kube::kPipelines, "one");
  EXPECT_FALSE(one["status"].contains("outputs"));
  EXPECT_FALSE(one["status"].contains("lastRun"));
  EXPECT_EQ(one["status"].value("activeRuns", 0), 0);
}

TEST_F(NestedRuns, TakeWhatIsTheSameFromTheCache) {
  StartEngine();
  Create(kube::kPipelines, One());
  std::string first = Outer("first"), second = Outer("first");
  second.replace(second.find("first"), 5, "other");
  Create(kube::kPipelineRuns, first);
  AwaitFinished("first");
  Create(kube::kPipelineRuns, second);
  const Json run = AwaitFinished("other");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  EXPECT_EQ(kubelet_->started().size(), 5U);
  EXPECT_EQ(Get(kube::kPipelineRuns, StepOf(run, "call")["run"])["status"]["summary"]["cached"], 2);
}

TEST_F(NestedRuns, AreTriedAgainAsOtherRuns) {
  kubelet_->Script("last", 1, Ending::kFail);
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top", ", retry: {user: {limit: 1, backoff: 1ms}}"));
  const Json top = AwaitFinished("top");
  // "last/1" fails in every run.
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "False");
  EXPECT_EQ(StepOf(top, "call")["attempts"], 2);
  EXPECT_EQ(Within("top").size(), 2U);
  EXPECT_THAT(StepOf(top, "call").value("message", ""), HasSubstr("step last (ExitCode)"));
  EXPECT_EQ(kubelet_->starts("first"), 1);  // the second time from the cache
}

TEST_F(NestedRuns, AreCancelledWithTheRunAboveThem) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  const std::string child = ChildOf("top", "call");
  Await(kube::kPipelineRuns, child, "last runs",
        [](const Json& run) { return StepOf(run, "last").value("phase", "") == "Running"; });
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"cancel", "Now"}}}});
  const Json top = AwaitFinished("top");
  EXPECT_EQ(StepOf(top, "call")["phase"], "Cancelled");
  const Json below = Get(kube::kPipelineRuns, child);
  EXPECT_EQ(below["spec"]["cancel"], "Now");
  EXPECT_EQ(ConditionOf(below, "Finished"), "True");
}

// As where the run was made by an engine whose last call it was.
TEST_F(NestedRuns, DoNotGoOnThatAreSeenAfterTheEndOfTheRunAboveThem) {
  kubelet_->Script("late", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  const Json top = AwaitFinished("top");
  const std::string uid = top["metadata"]["uid"];
  Create(kube::kPipelineRuns,
         "metadata:\n  name: late\n  labels: {penstock.dev/parent-uid: " + uid +
             ", penstock.dev/step: call, penstock.dev/attempt: \"2\"}\n  ownerReferences:\n"
             "  - {apiVersion: penstock.dev/v1alpha1, kind: PipelineRun, name: top, uid: " +
             uid + ", controller: true}\nspec:\n  pipelineSpec:\n    steps:\n    - " +
             Container("late") + "\n");
  const Json late = AwaitFinished("late");
  EXPECT_EQ(late["spec"].value("cancel", ""), "Now");
  EXPECT_EQ(ConditionOf(late, "Succeeded"), "False");
}

TEST_F(NestedRuns, StartNothingWhileTheRunAboveIsSuspended) {
  kubelet_->Script("first", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  const std::string child = ChildOf("top", "call");
  Await(kube::kPipelineRuns, child, "first runs",
        [](const Json& run) { return StepOf(run, "first").value("phase", "") == "Running"; });
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"suspend", true}}}});
  Await(kube::kPipelineRuns, child, "suspended", [](const Json& run) {
    return run["status"]["conditions"][0].value("reason", "") == "Suspended";
  });
  kubelet_->Finish("first");
  Await(kube::kPipelineRuns, child, "first ended",
        [](const Json& run) { return StepOf(run, "first").value("phase", "") == "Succeeded"; });
  EXPECT_EQ(kubelet_->starts("last"), 0);
  Patch(kube::kPipelineRuns, "top", {{"spec", {{"suspend", false}}}});
  EXPECT_EQ(ConditionOf(AwaitFinished("top"), "Succeeded"), "True");
}

TEST_F(NestedRuns, AreDeletedWithTheRunAboveThem) {
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  AwaitFinished("top");
  EXPECT_EQ(ListAll(kube::kPipelineRuns).size(), 3U);
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", "top", {}, {}));
  AwaitThat("no run is left", [&] { return ListAll(kube::kPipelineRuns).empty(); });
}

TEST_F(NestedRuns, ThatSomebodyDeletesAreMadeAnew) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top", ", retry: {infrastructure: {backoff: 1ms}}"));
  const std::string child = ChildOf("top", "call");
  Await(kube::kPipelineRuns, child, "last runs",
        [](const Json& run) { return StepOf(run, "last").value("phase", "") == "Running"; });
  kubelet_->Script("last", 1, Ending::kSucceed);
  ASSERT_TRUE(cluster_.Delete(kube::kPipelineRuns, "team", child, {}, {}));
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  EXPECT_EQ(StepOf(top, "call")["attempts"], 2);
}

TEST_F(NestedRuns, AreFollowedThoughSomebodyTakesTheirLabels) {
  kubelet_->Script("last", 1, Ending::kHang);
  StartEngine();
  Create(kube::kPipelines, One());
  Create(kube::kPipelineRuns, Outer("top"));
  const std::string child = ChildOf("top", "call");
  Await(kube::kPipelineRuns, child, "last runs",
        [](const Json& run) { return StepOf(run, "last").value("phase", "") == "Running"; });
  Patch(kube::kPipelineRuns, child,
        {{"metadata",
          {{"labels", {{"penstock.dev/step", nullptr}, {"penstock.dev/attempt", "7"}}}}}});
  kubelet_->Finish("last");
  const Json top = AwaitFinished("top");
  EXPECT_EQ(ConditionOf(top, "Succeeded"), "True");
  EXPECT_EQ(StepOf(top, "call")["attempts"], 1);
}

TEST_F(NestedRuns, WaitForThePipelineThatTheyName) {
  StartEngine();
  Create(kube::kPipelineRuns, Outer("top"));
  const Json waits = Await(kube::kPipelineRuns, "top", "stalled",
                           [](const Json& run) { return ConditionOf(run, "Stalled") == "True"; });
  EXPECT_THAT(waits.dump(), HasSubstr("there is no Pipeline one in this namespace"));
  Create(kube::kPipelines, One());
  EXPECT_EQ(ConditionOf(AwaitFinished("top"), "Succeeded"), "True");
}

TEST_F(NestedRuns, MakeAPipelineInvalidThatNamesItself) {
  StartEngine();
  Create(kube::kPipelines,
         "metadata: {name: snake}\nspec: {steps: [{name: tail, pipeline: {name: snake}}]}\n");
  const Json snake = Await(kube::kPipelines, "snake", "stalled", [](const Json& object) {
    return ConditionOf(object, "Stalled") == "True";
  });
  EXPECT_THAT(snake.dump(), HasSubstr("snake -> snake"));
}

TEST_F(NestedRuns, AreCheckedAgainWhenThePipelineThatTheyNameChanges) {
  StartEngine();
  Create(kube::kPipelines,
         "metadata: {name: caller}\nspec: {runPolicy: Manual, steps: [" + Container("make") +
             ", {name: call, pipeline: {name: one}, parameters: {value: a}, inputs: {rows: "
             "$(steps.make.outputs.data)}}]}\n");
  const auto stalled = [](const Json& o) { return ConditionOf(o, "Stalled") == "True"; };
  const auto ready = [](const Json& o) { return ConditionOf(o, "Ready") == "True"; };
  Await(kube::kPipelines, "caller", "stalled", stalled);
  Create(kube::kPipelines, One());
  Await(kube::kPipelines, "caller", "ready", ready);
  Patch(kube::kPipelines, "one", {{"spec", {{"parameters", Json::array()}}}});
  const Json caller = Await(kube::kPipelines, "caller", "stalled again", stalled);
  EXPECT_THAT(caller.dump(), HasSubstr("has no such parameter"));
}

// Loses the answer to the write by which a run within another ends, and tells of runs only when
// that run was asked for again.
class LateNews : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  Result<Json> Update(const kube::ResourceType& type, const std::string& ns,
                      const std::string& name, const Json& object, const std::string& subresource,
                      const kube::Call& call) override {
    auto written = ForwardingClient::Update(type, ns, name, object, subresource, call);
    if (!written || type.plural != kube::kPipelineRuns.plural || subresource != "status" ||
        name.find("-call-") == std::string::npos || ConditionOf(*written, "Finished") != "True" ||
        lost_.exchange(true))
      return written;
    return Transient("connection reset by peer");
  }
  Result<Json> Get(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                   const kube::Call& call) override {
    auto found = ForwardingClient::Get(type, ns, name, call);
    if (lost_ && name.find("-call-") != std::string::npos) asked_ = true;
    return found;
  }
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override {
    if (type.plural != kube::kPipelineRuns.plural)
      return ForwardingClient::Watch(type, ns, options, sink, stop);
    return ForwardingClient::Watch(
        type, ns, options,
        [&](kube::WatchEvent& event) {
          // Once it was asked for: it is known then, as soon as the answer is taken in.
          while (lost_ && !told_ && !stop.stop_requested()) {
            told_ = asked_.load();
            static_cast<void>(Pause(Milliseconds(told_ ? 200 : 5), stop));
          }
          return sink(event);
        },
        stop);
  }
  [[nodiscard]] bool lost() const { return lost_; }

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }

 private:
  std::atomic<bool> lost_ = false, asked_ = false, told_ = false;
};

TEST_F(NestedRuns, WhoseEndIsKnownBeforeTheWatchTellsOfItKeepNoRunWaiting) {
  Create(kube::kPipelines, One());
  kubelet_->Script("last", 1, Ending::kHang);
  LateNews late(cluster_);
  StartEngine(&late);
  Create(kube::kPipelineRuns, Outer("outer"));
  ASSERT_TRUE(AwaitThat("the last step", [&] { return kubelet_->starts("last") == 1; }));
  // All that is told of the outer run is over: no other news of it makes it look.
  static_cast<void>(Pause(Milliseconds(500), {}));
  kubelet_->Finish("last");
  EXPECT_EQ(ConditionOf(AwaitFinished("outer"), "Succeeded"), "True");
  EXPECT_TRUE(late.lost()) << "the run within had another name, or its end was not written";
  StopEngine();  // before its client goes
}

// The process dies at its n-th write, n = 0, 1, ... until the run ends before that.
class NestedKills : public NestedRuns, public ::testing::WithParamInterface<bool> {};

TEST_P(NestedKills, AtAnyWriteLeaveOneRunAnAttemptAndTheSameEnd) {
  Create(kube::kPipelines, One());
  for (int n = 0;; ++n) {
    const std::string name = "run-" + std::to_string(n);
    const std::size_t before = kubelet_->started().size();
    KillSwitch kill(n, GetParam());
    MortalClient mortal(cluster_, kill);
    StartEngine(&mortal);
    Create(kube::kPipelineRuns, Outer(name));
    while (!kill.dead() && ConditionOf(Get(kube::kPipelineRuns, name), "Finished") != "True")
      std::this_thread::yield();
    const bool killed = kill.dead();
    StartEngine();
    const Json run = AwaitFinished(name);
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << "killed at write " << n;
    const auto all = kubelet_->started();
    EXPECT_THAT(std::vector<std::string>(all.begin() + static_cast<long>(before), all.end()),
                ElementsAre("make/1", "first/1", "last/1", "inside/1", "use/1"))
        << "killed at write " << n;
    EXPECT_EQ(Within(name).size(), 2U) << "killed at write " << n;
    if (HasFailure()) return;
    StopEngine();
    if (!killed) {
      EXPECT_GT(n, 12);
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AnswerLostOrNot, NestedKills, ::testing::Bool());

}  // namespace
}  // namespace penstock::controllers
