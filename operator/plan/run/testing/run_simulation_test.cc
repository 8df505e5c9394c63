// A property: whatever pods and runs within do and whatever the operator forgets, a run ends, no
// attempt has two pods or runs, no step that succeeded runs again, planning twice does nothing.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "operator/plan/run/testing/run_world.h"

namespace penstock::plan {
namespace {

class Simulation {
 public:
  explicit Simulation(unsigned seed) : rng_(seed), w_(RandomSpec()) {}

  void Run() {
    for (int i = 0; i < 4000 && !finished_; ++i) {
      Plan();
      if (::testing::Test::HasFailure()) return;
      MovePods();
      MoveRuns();
      Forget();
      w_.now += std::chrono::seconds(Chance(4) ? 30 : 1);
    }
    EXPECT_TRUE(finished_) << "the run does not end";
    for (const auto& s : w_.plan.status.steps) EXPECT_TRUE(api::IsFinal(s.phase)) << s.name;
  }

 private:
  bool Chance(int one_in) { return std::uniform_int_distribution<int>(1, one_in)(rng_) == 1; }
  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(rng_); }

  // One whose steps can all run.
  std::string RandomSpec() {
    std::string spec = AnySpec();
    while (!Validate(Spec(spec)).empty()) spec = AnySpec();
    return spec;
  }

  std::string AnySpec() {
    const int n = 1 + Below(12);
    std::string spec = Chance(2) ? "parallelism: " + std::to_string(1 + Below(3)) + "\n" : "";
    if (Chance(4)) spec += "timeouts: {run: " + std::to_string(1 + Below(120)) + "s}\n";
    const int last = Chance(2) ? n : n - 1;  // what comes after it is of finally
    spec += "steps:\n";
    for (int i = 0; i < n; ++i) {
      if (i == last && i > 0) spec += "finally:\n";
      const std::string program =
          "container: {image: \"" + (Chance(2) ? kPinned : std::string("tag:1")) +
          "\", command: [x, \"" + std::to_string(i) + "\"]}, outputs: [{name: o, optional: true}]";
      spec += "- {name: s" + std::to_string(i) + ", " +
              (Chance(4) ? "pipeline: {steps: [{name: x, " + program +
                               "}], outputs: {o: $(steps.x.outputs.o)}}"
                         : program);
      if (i > 0 && Chance(2))
        spec += ", inputs: {i: $(steps.s" + std::to_string(Below(i)) + ".outputs.o)}";
      if (i > 0 && Chance(3))
        spec +=
            ", dependsOn: [{step: s" + std::to_string(Below(i)) + ", outcome: " + Outcome() + "}]";
      if (Chance(4)) spec += ", allowFailure: true";
      if (Chance(4)) spec += ", forEach: " + Loop();
      if (i > 0 && Chance(4))
        spec += ", when: 'steps.s" + std::to_string(Below(i)) + ".status != \"" +
                (Chance(2) ? "Failed" : "Skipped") + "\"'";
      spec += ", retry: {user: {limit: " + std::to_string(Below(3)) + "}, timeout: {limit: 1}}}\n";
    }
    return spec;
  }

  std::string Loop() {
    std::string loop = "{range: {to: " + std::to_string(Below(6)) + "}";
    if (Chance(2)) loop += ", parallelism: " + std::to_string(1 + Below(3));
    if (Chance(2)) loop += ", minSuccess: " + std::to_string(Below(5)) + "0%";
    return loop + "}";
  }

  std::string Outcome() {
    constexpr std::array kOutcomes{"Any", "Failed", "Skipped", "SucceededOrSkipped", "Succeeded"};
    return kOutcomes.at(static_cast<std::size_t>(Below(5)));
  }

  void Plan() {
    const std::size_t had = w_.created.size();
    w_.Step();
    EXPECT_LE(w_.created.size() - had, 50u);
    for (std::size_t i = had; i < w_.created.size(); ++i) {
      EXPECT_TRUE(attempts_.insert(w_.created[i]).second) << w_.created[i] << " has two pods";
      const std::string step = w_.created[i].substr(0, w_.created[i].find('/'));
      EXPECT_FALSE(succeeded_.contains(step)) << step << " succeeded and runs again";
    }
    Answer();
    // The same facts again, before anything moved.
    const auto again = PlanRun(w_.o, w_.settings, w_.now);
    if (w_.plan.requests.cache_keys.empty() && w_.plan.requests.receipts.empty() &&
        w_.plan.requests.live_pods.empty() && w_.plan.requests.gathers.empty() &&
        w_.plan.requeue_after != 0ms) {
      for (const auto& action : again.actions) {
        EXPECT_FALSE(std::holds_alternative<CreatePod>(action)) << "planning twice makes a pod";
        EXPECT_FALSE(std::holds_alternative<CreateChild>(action)) << "planning twice makes a run";
      }
    }
    finished_ = w_.plan.finished;
  }

  void Answer() {
    const FactRequests& r = w_.plan.requests;
    for (const auto& key : r.cache_keys) w_.o.cache[key];
    for (const auto& pod : r.live_pods) w_.o.pod_gone[pod] = true;
    for (const auto& gather : r.gathers) w_.AnswerGather(gather);
    for (const auto& pod : r.receipts) {
      auto& answer = w_.o.receipts[pod];
      if (const auto it = receipts_.find(pod); it != receipts_.end()) answer.receipt = it->second;
    }
  }

  void MovePods() {
    for (auto& pod : w_.o.pods) {
      if (pod.phase == PodPhase::kSucceeded || pod.phase == PodPhase::kFailed || !Chance(2))
        continue;
      if (pod.phase == PodPhase::kPending) {
        w_.Run(pod);
        continue;
      }
      End(pod);
    }
    // Somebody deletes pods.
    if (Chance(6) && !w_.o.pods.empty()) {
      const std::size_t i = static_cast<std::size_t>(Below(static_cast<int>(w_.o.pods.size())));
      // Seen by the status at least: what nobody ever saw may be made again.
      const PodFact& pod = w_.o.pods[i];
      if (!pod.item && !seen_.contains(pod.name)) return;
      if (pod.item) {
        ItemAttempt& made = w_.o.item_attempts[pod.step][*pod.item];
        if (made.attempt <= pod.attempt) made = {pod.attempt, pod.name, pod.cache_key, pod.spent};
      }
      w_.o.pods.erase(w_.o.pods.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void MoveRuns() {
    for (ChildFact& child : w_.o.children) {
      if (child.outcome != RunOutcome::kActive || !Chance(2)) continue;
      if (child.cancel != api::CancelMode::kNone || Chance(12)) {
        w_.End(child, RunOutcome::kCancelled);  // as it was asked, or by somebody
      } else if (!child.started) {
        child.started = w_.now;
      } else if (Chance(4)) {
        w_.End(child, RunOutcome::kFailed, "boom");
      } else {
        w_.End(child, RunOutcome::kSucceeded);
        child.outputs = {{"o", "file", Digest('a'), false, 7, child.name, {}}};
        succeeded_.insert(RunWorld::NameOf(child));
      }
    }
  }

  void End(PodFact& pod) {
    switch (Below(6)) {
      case 0:
        return w_.Fail(pod, 1 + Below(5));
      case 1:
        pod.disrupted = true;
        return w_.End(pod, Message(TaskOutcome::kCancelled));
      case 2:
        return w_.End(pod, Message(TaskOutcome::kTimedOut));
      case 3:  // the message is lost, the receipt is not
        w_.Succeed(pod);
        pod.termination_message.clear();
        break;
      default:
        w_.Succeed(pod);
    }
    receipts_[pod.name] = w_.ReceiptOf(pod);
    succeeded_.insert(RunWorld::NameOf(pod));
  }

  void Forget() {
    seen_.clear();
    for (const auto& s : w_.o.run.status.steps) seen_.insert(s.pod);
    if (Chance(5)) {  // a restart: facts are asked for again
      w_.o.cache.clear();
      w_.o.receipts.clear();
      w_.o.pod_gone.clear();
    }
    // A status write was lost, with the pods still there.
    if (Chance(8) && older_ && older_pods_ <= w_.o.pods.size() && AllPodsThere())
      w_.o.run.status = *older_;
    older_ = w_.o.run.status;
    older_pods_ = w_.o.pods.size();
  }

  bool AllPodsThere() const { return w_.o.pods.size() + w_.o.children.size() == w_.created.size(); }

  std::mt19937 rng_;
  RunWorld w_;
  std::set<std::string> attempts_, succeeded_, seen_;
  std::map<std::string, Receipt> receipts_;
  std::optional<api::PipelineRunStatus> older_;
  std::size_t older_pods_ = 0;
  bool finished_ = false;
};

TEST(RunSimulation, EveryRandomRunEndsAndKeepsItsPromises) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).Run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace penstock::plan
