// More than one engine, and how fast one may create pods.
#include <gmock/gmock.h>

#include <set>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

// Steps that wait for nobody, `a`, `b`, ...
std::string RunOf(const std::string& name, int steps) {
  std::string out = "metadata: {name: " + name + "}\nspec:\n  pipelineSpec:\n    steps:\n";
  for (int i = 0; i < steps; ++i) {
    out += "    - name: " + std::string(1, char('a' + i)) + "\n" +
           "      container: {image: \"registry.example.com/tool:1\", command: [tool]}\n"
           "      outputs: [{name: data, type: dataset}]\n";
  }
  return out;
}

using Replicas = EngineTest;

// Worse than an election allows: both believe for the whole time that they lead.
TEST_F(Replicas, TwoEnginesThatBothLeadMakeNoPodOfAnAttemptTwice) {
  StartEngine();
  Engine other(cluster_, *store_, no_history_, clock_, Options());
  other.Start();
  for (int i = 0; i < 10; ++i) Create(kube::kPipelineRuns, RunOf("run-" + std::to_string(i), 5));
  std::set<std::string> attempts;
  for (int i = 0; i < 10; ++i) {
    const Json run = AwaitFinished("run-" + std::to_string(i));
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run.dump(2);
  }
  other.Stop();
  for (const Json& pod : ListAll(kube::kPods)) {
    const Json& labels = pod["metadata"]["labels"];
    const std::string attempt = labels.value(plan::kLabelRunUid, "") + "/" +
                                labels.value(plan::kLabelStep, "") + "/" +
                                labels.value(plan::kLabelAttempt, "");
    EXPECT_TRUE(attempts.insert(attempt).second) << attempt << " has two pods";
  }
  for (const char* step : {"a", "b", "c", "d", "e"}) EXPECT_EQ(kubelet_->starts(step), 10);
}

TEST_F(Replicas, CreatesNoMorePodsASecondThanItMay) {
  EngineOptions options = Options();
  options.pods_per_second = 4;
  Engine engine(cluster_, *store_, no_history_, clock_, std::move(options));
  const auto begin = clock_.Steady();
  engine.Start();
  Create(kube::kPipelineRuns, RunOf("one", 5));
  Create(kube::kPipelineRuns, RunOf("two", 5));
  AwaitFinished("one");
  AwaitFinished("two");
  // Four at once, then six more, a quarter of a second apart.
  EXPECT_GE(clock_.Steady() - begin, std::chrono::milliseconds(1'500));
  engine.Stop();
}

}  // namespace
}  // namespace penstock::controllers
