// What a run costs the API server, in writes: the bound of docs/benchmarks.md, without a cluster.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

class CountingClient : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  [[nodiscard]] int writes() const { return writes_; }

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType&) override {
    if (!write.empty()) ++writes_;
    return {};
  }

 private:
  std::atomic<int> writes_ = 0;
};

class ApiWrites : public EngineTest {
 protected:
  ApiWrites() { status_interval_ = Milliseconds(1'500); }  // as the operator's
};

TEST_F(ApiWrites, AChainOfTenStepsCostsAtMostTwoAndAFifthAStep) {
  CountingClient counting(cluster_);
  StartEngine(&counting);
  std::string steps;
  for (int i = 0; i < 10; ++i)
    steps += "  - {name: s" + std::to_string(i) +
             ", container: {image: tool, command: [work]}, outputs: [{name: o}]" +
             (i == 0 ? "" : ", inputs: {i: $(steps.s" + std::to_string(i - 1) + ".outputs.o)}") +
             "}\n";
  Create(kube::kPipelineRuns, "metadata: {name: chain}\nspec:\n pipelineSpec:\n  steps:\n" + steps);
  EXPECT_EQ(ConditionOf(AwaitFinished("chain"), "Succeeded"), "True");
  std::printf("a chain of ten steps: %d writes\n", counting.writes());
  EXPECT_LE(counting.writes(), 22);
  EXPECT_GE(counting.writes(), 12) << "ten pods, a revision, a status: less were not counted";
  StopEngine();  // before its client goes
}

TEST_F(ApiWrites, RunsOfOnePodAndOneContentCostAtMostFourEachAndARevisionTogether) {
  CountingClient counting(cluster_);
  StartEngine(&counting);
  constexpr int kRuns = 20;
  for (int i = 0; i < kRuns; ++i)
    Create(kube::kPipelineRuns, "metadata: {name: r" + std::to_string(i) +
                                    "}\nspec: {pipelineSpec: {steps: [{name: a, container: "
                                    "{image: tool, command: [work]}}]}}\n");
  for (int i = 0; i < kRuns; ++i) AwaitFinished("r" + std::to_string(i));
  std::printf("%d runs of one pod: %d writes\n", kRuns, counting.writes());
  EXPECT_LE(counting.writes(), 4 * kRuns);
  EXPECT_EQ(ListAll(kube::kControllerRevisions).size(), 1U);
  StopEngine();
}

// Takes 100 ms for the first `slow` writes of a run's status.
class SlowStatusClient : public kube::ForwardingClient {
 public:
  SlowStatusClient(kube::Client& client, int slow) : ForwardingClient(client), slow_(slow) {}
  [[nodiscard]] int writes() const { return writes_; }

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType& type) override {
    if (write.empty() || type.kind != kube::kPipelineRuns.kind) return {};
    if (++writes_ <= slow_) std::this_thread::sleep_for(Milliseconds(100));
    return {};
  }

 private:
  const int slow_;
  std::atomic<int> writes_ = 0;
};

class SlowStatus : public ApiWrites {
 protected:
  // How often the status of a chain of twenty steps is written.
  int WritesOfAChain(int slow) {
    status_interval_ = Milliseconds(10);
    SlowStatusClient client(cluster_, slow);
    StartEngine(&client);
    std::string steps;
    for (int i = 0; i < 20; ++i)
      steps += "  - {name: s" + std::to_string(i) + ", container: {image: tool, command: [work]}" +
               (i == 0 ? "" : ", dependsOn: [{step: s" + std::to_string(i - 1) + "}]") + "}\n";
    Create(kube::kPipelineRuns,
           "metadata: {name: chain}\nspec:\n pipelineSpec:\n  steps:\n" + steps);
    EXPECT_EQ(ConditionOf(AwaitFinished("chain"), "Succeeded"), "True");
    StopEngine();
    std::printf("a chain of twenty steps: %d writes of its status\n", client.writes());
    return client.writes();
  }
};

TEST_F(SlowStatus, OfARunIsWrittenMoreRarely) {
  EXPECT_LE(WritesOfAChain(1'000), 8) << "the first, the last, and one a second";
}

TEST_F(SlowStatus, ThatWasSoOnceMakesNoStepWaitToBeSeen) {
  EXPECT_GE(WritesOfAChain(1), 5) << "the first, the last and one a second are three";
}

}  // namespace
}  // namespace penstock::controllers
