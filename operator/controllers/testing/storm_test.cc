// An API server that refuses a fifth of all calls, in every way in which it may: conflicts, too
// many requests, its own errors, and answers that are lost after the call was carried out; and
// watches that tell late and in another order.
#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "operator/base/pause.h"
#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

using Ending = FakeKubelet::Ending;

// Which calls fail, and how, follows from the seed and the number of the call.
class StormClient : public kube::ForwardingClient {
 public:
  StormClient(kube::Client& below, std::uint64_t seed) : ForwardingClient(below), state_(seed) {}
  [[nodiscard]] int refused() const { return refused_; }
  [[nodiscard]] int lost() const { return lost_; }
  // Each kind is told of late, and so before or after what happened to the others.
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override {
    return ForwardingClient::Watch(
        type, ns, options,
        [&](kube::WatchEvent& event) {
          static_cast<void>(Pause(Milliseconds(Draw(8)), stop));
          return sink(event);
        },
        stop);
  }

 protected:
  Result<void> Before(std::string_view write, const kube::ResourceType&) override {
    Error error;
    switch (Draw(16)) {
      case 0:
        if (write != "update" && write != "update_status" && write != "patch") return {};
        error = {ErrorKind::kConflict, "the object has been modified"};
        break;
      case 1:
        error = {ErrorKind::kOverloaded, "too many requests", Milliseconds(2)};
        break;
      case 2:
        error = Transient("etcdserver: request timed out");
        break;
      default:
        return {};
    }
    ++refused_;
    return error;
  }
  Result<void> After() override {
    if (Draw(16) != 0) return {};
    ++lost_;
    return Transient("connection reset by peer");
  }

 private:
  // SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
  unsigned Draw(unsigned below) {
    std::uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15ULL) + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<unsigned>((z ^ (z >> 31)) % below);
  }
  std::atomic<std::uint64_t> state_;
  std::atomic<int> refused_ = 0, lost_ = 0;
};

class Storm : public EngineTest, public ::testing::WithParamInterface<int> {};

std::string StormyRun(const std::string& name) {
  return "metadata: {name: " + name +
         "}\nspec:\n pipelineSpec:\n"
         "  runLabels: {of: storm}\n  steps:\n"
         "  - {name: a, container: {image: tool, command: [a]}, outputs: [{name: o}]}\n"
         "  - {name: each, forEach: {in: [x, y, z]}, container: {image: tool, command: [e]}, "
         "inputs: {i: $(steps.a.outputs.o)}, outputs: [{name: o}], retry: {user: {limit: 1, "
         "backoff: 1ms}}}\n"
         "  - {name: call, pipeline: {steps: [{name: in, container: {image: tool, command: "
         "[i]}}]}}\n"
         "  - {name: last, container: {image: tool, command: [l]}, inputs: {all: "
         "$(steps.each.outputs.o)}, dependsOn: [{step: call}]}\n"
         "  finally:\n"
         "  - {name: tidy, container: {image: tool, command: [t]}}\n";
}

TEST_P(Storm, OfRefusalsAndLostAnswersChangesNoEndAndMakesOnePodAnAttempt) {
  kubelet_->Script("each.1", 1, Ending::kFail);
  StormClient stormy(cluster_, static_cast<std::uint64_t>(GetParam()));
  StartEngine(&stormy);
  constexpr int kRuns = 9;
  for (int i = 0; i < kRuns; ++i)
    Create(kube::kPipelineRuns, StormyRun("storm-" + std::to_string(i)));
  const auto have_finished = [&] {
    for (int i = 0; i < kRuns; ++i)
      if (ConditionOf(Get(kube::kPipelineRuns, "storm-" + std::to_string(i)), "Finished") != "True")
        return false;
    return true;
  };
  // A call that was refused is made again after a second, two, four ...
  const auto deadline = clock_.Steady() + std::chrono::minutes(2);
  while (!have_finished() && clock_.Steady() < deadline)
    static_cast<void>(Pause(Milliseconds(20), {}));
  for (int i = 0; i < kRuns; ++i) {
    const Json run = AwaitFinished("storm-" + std::to_string(i));
    EXPECT_EQ(ConditionOf(run, "Succeeded"), "True") << run.dump(2);
    EXPECT_EQ(run["metadata"]["labels"]["of"], "storm");
  }
  EXPECT_GT(stormy.refused(), 10);
  EXPECT_GT(stormy.lost(), 3);
  std::set<std::string> attempts;
  for (const Json& pod : ListAll(kube::kPods)) {
    const Json& labels = pod["metadata"]["labels"];
    const std::string attempt =
        labels.value(plan::kLabelRunUid, "") + "/" + labels.value(plan::kLabelStep, "") + "." +
        labels.value(plan::kLabelItem, "") + "/" + labels.value(plan::kLabelAttempt, "");
    EXPECT_TRUE(attempts.insert(attempt).second) << attempt << " has two pods";
  }
  // a, three items of which one is tried again, in, last, tidy
  EXPECT_EQ(kubelet_->started().size(), kRuns * 8U);
  StopEngine();  // before its client goes
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, ::testing::Range(1, 4));

}  // namespace
}  // namespace penstock::controllers
