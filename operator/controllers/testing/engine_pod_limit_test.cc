// The platform's limit of pods a namespace, over a cluster in memory.
#include <gmock/gmock.h>

#include "operator/controllers/testing/one_step_runs.h"

namespace penstock::controllers {
namespace {

using Ending = FakeKubelet::Ending;

class EnginePodLimit : public OneStepRuns {
 protected:
  EnginePodLimit() { max_pods_ = 2; }
  // A run with a step of its own name, which hangs until Finish(), and its pod is not cached.
  void CreateHanging(const std::string& name) {
    kubelet_->Script(name, 1, Ending::kHang);
    Create(kube::kPipelineRuns, "metadata: {name: " + name +
                                    "}\nspec: {pipelineSpec: {steps: [{name: " + name +
                                    ", container: {image: tool, command: [work]}}]}}\n");
  }
  void AwaitStep(const std::string& run, const std::string& field, const std::string& value) {
    Await(kube::kPipelineRuns, run, field + " " + value,
          [&](const Json& object) { return StepOf(object, run).value(field, "") == value; });
  }
};

TEST_F(EnginePodLimit, ARunOverItWaitsAndStartsWhenAPodOfAnotherRunHasEnded) {
  StartEngine();
  CreateHanging("a");
  CreateHanging("b");
  AwaitStep("a", "phase", "Running");
  AwaitStep("b", "phase", "Running");
  CreateHanging("c");
  AwaitStep("c", "reason", "PodLimit");
  EXPECT_EQ(kubelet_->starts("c"), 0);
  kubelet_->Finish("a");
  AwaitStep("c", "phase", "Running");  // long before the quarter of a minute of a look by itself
  kubelet_->Finish("b");
  kubelet_->Finish("c");
  for (const char* run : {"a", "b", "c"})
    EXPECT_EQ(ConditionOf(AwaitFinished(run), "Succeeded"), "True") << run;
}

// Each counted what stood when it looked, and all together made more.
TEST_F(EnginePodLimit, ManyRunsAtOnceNeverHaveMorePodsThanItAllows) {
  std::atomic<int> most = 0;
  StartEngine();
  const auto standing = [&] {
    int count = 0;
    for (const Json& pod : ListAll(kube::kPods)) {
      const std::string phase = pod.value("status", Json::object()).value("phase", "Pending");
      count += phase == "Succeeded" || phase == "Failed" ? 0 : 1;
    }
    return count;
  };
  std::vector<std::string> runs;
  for (int i = 0; i < 12; ++i) runs.push_back("r" + std::to_string(i));
  for (const std::string& run : runs) CreateHanging(run);
  std::size_t ended = 0;
  ASSERT_TRUE(AwaitThat("all have run", [&] {
    most = std::max(most.load(), standing());
    for (const std::string& run : runs)
      if (kubelet_->starts(run) > 0) kubelet_->Finish(run);
    ended = 0;
    for (const Json& run : ListAll(kube::kPipelineRuns))
      ended += ConditionOf(run, "Finished") == "True" ? 1 : 0;
    return ended == runs.size();
  }));
  EXPECT_LE(most, 2);
}

TEST_F(EnginePodLimit, ARestartedOperatorCountsThePodsThatStand) {
  StartEngine();
  CreateHanging("a");
  CreateHanging("b");
  AwaitStep("a", "phase", "Running");
  AwaitStep("b", "phase", "Running");
  StopEngine();
  StartEngine();
  CreateHanging("c");
  AwaitStep("c", "reason", "PodLimit");
  EXPECT_EQ(kubelet_->starts("c"), 0);
  for (const char* run : {"a", "b"}) kubelet_->Finish(run);
  AwaitStep("c", "phase", "Running");
  kubelet_->Finish("c");
  AwaitFinished("c");
}

}  // namespace
}  // namespace penstock::controllers
