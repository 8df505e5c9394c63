// Engines whose API server does not take what they ask for: what is told, and that it is tried
// again.
#include <gmock/gmock.h>

#include "operator/controllers/testing/one_step_runs.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

using ::testing::HasSubstr;
using Ending = FakeKubelet::Ending;

class RefusedEngines : public OneStepRuns {};

TEST_F(RefusedEngines, TellARefusalOfATasksConfigMap) {
  std::atomic<bool> full = true;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type.plural != "configmaps" || !full)
      return std::nullopt;
    return Error{ErrorKind::kQuota, "exceeded quota: count/configmaps"};
  });
  StartEngine();
  CreateRun("first", "parameters: {big: \"" + std::string(40 * 1024, 'x') + "\"}");
  const Json run = AwaitReason("first", "QuotaExceeded");
  EXPECT_EQ(StepOf(run, "work").at("message"), "exceeded quota: count/configmaps");
  EXPECT_THAT(ListAll(kube::kPods), testing::IsEmpty());
  full = false;
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  StopEngine();
}

TEST_F(RefusedEngines, MakeNoPodWithoutTheConfigMapThatItMounts) {
  std::atomic<int> tries = 0, pods = 0;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create") return std::nullopt;
    if (request.type.plural == "pods") ++pods;
    if (request.type.plural != "configmaps") return std::nullopt;
    switch (tries++) {  // none of these is a refusal that is told
      case 0:
        return Cancelled("this process does not lead");
      case 1:
        return Error{ErrorKind::kConflict, "somebody was quicker"};
      case 2:
        throw std::runtime_error("out of range");
      default:
        EXPECT_EQ(pods, 0);
        return std::nullopt;
    }
  });
  StartEngine();
  CreateRun("first", "parameters: {big: \"" + std::string(40 * 1024, 'x') + "\"}");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(tries, 4);
  EXPECT_EQ(pods, 1);
  StopEngine();
}

TEST_F(RefusedEngines, TellAWebhookThatIsDownAndGoOnWhenItIsBack) {
  std::atomic<bool> down = true;
  std::atomic<int> tries = 0;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type.plural != "pods" || !down) return std::nullopt;
    ++tries;
    return Error{ErrorKind::kWebhook, "failed calling webhook \"w\": service not found"};
  });
  StartEngine();
  CreateRun("first");
  AwaitReason("first", "WebhookFailed");
  EXPECT_LE(tries, 3);
  down = false;
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  StopEngine();
  EXPECT_EQ(log_.find("error "), std::string::npos) << "the status and an event say it";
}

TEST_F(RefusedEngines, TellARefusalOfWhatARunIsPinnedTo) {
  const Interception refusing(cluster_, [](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type.plural != "controllerrevisions")
      return std::nullopt;
    return Error{ErrorKind::kWebhook, "failed calling webhook \"w\""};
  });
  StartEngine();
  CreateRun("first");
  const Json run = Await(kube::kPipelineRuns, "first", "says so", [](const Json& object) {
    return object.dump().find("failed calling webhook") != std::string::npos;
  });
  EXPECT_EQ(ConditionOf(run, "Stalled"), "True");
  EXPECT_EQ(ConditionOf(run, "Finished"), "False");
}

TEST_F(RefusedEngines, EndAStepThatIsRefusedForTimeoutsPending) {
  const Interception refusing(cluster_, [](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type.plural != "pods") return std::nullopt;
    return Error{ErrorKind::kForbidden, "pods is forbidden: violates PodSecurity"};
  });
  StartEngine();
  CreateRun("first", "timeouts: {pending: 1s}");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(StepOf(run, "work").at("reason"), "Forbidden");
  EXPECT_THAT(StepOf(run, "work").at("message").get<std::string>(),
              HasSubstr("could not be created within 1s: pods is forbidden"));
}

class JumpingClock : public SystemClock {
 public:
  [[nodiscard]] TimePoint Now() const override { return SystemClock::Now() + ahead_.load(); }
  [[nodiscard]] std::chrono::steady_clock::time_point Steady() const override {
    return SystemClock::Steady() + ahead_.load();
  }
  void Jump(Milliseconds time) { ahead_ = ahead_.load() + time; }

 private:
  std::atomic<Milliseconds> ahead_{Milliseconds{0}};
};

TEST_F(RefusedEngines, ASuspensionIsNoTimeOfARefusedStep) {
  JumpingClock clock;
  std::atomic<int> tries = 0;
  engine_clock_ = &clock;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type.plural != "pods") return std::nullopt;
    ++tries;
    return Error{ErrorKind::kForbidden, "pods is forbidden"};
  });
  const auto suspend = [&](bool yes) {
    Patch(kube::kPipelineRuns, "first", {{"spec", {{"suspend", yes}}}});
  };
  StartEngine();
  CreateRun("first", "timeouts: {pending: 30m}");
  AwaitReason("first", "Forbidden");
  suspend(true);
  AwaitReason("first", "Suspended");
  clock.Jump(std::chrono::hours(2));
  const int before = tries;
  suspend(false);
  AwaitReason("first", "Forbidden");
  while (tries == before) std::this_thread::yield();
  EXPECT_EQ(StepOf(Get(kube::kPipelineRuns, "first"), "work").at("phase"), "Pending");
  clock.Jump(std::chrono::hours(2));
  suspend(true);  // whatever wakes it
  suspend(false);
  EXPECT_EQ(StepOf(AwaitFinished("first"), "work").at("reason"), "Forbidden");
  StopEngine();
}

TEST_F(RefusedEngines, TellNoRunThatWasNotCreated) {
  std::atomic<bool> full = true;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "create" || request.type.plural != "pipelineruns" || !full)
      return std::nullopt;
    return Error{ErrorKind::kQuota, "exceeded quota: count/pipelineruns"};
  });
  StartEngine();
  Create(kube::kPipelines, "metadata: {name: chain}\nspec: {steps: [" + Work() + "]}\n");
  std::string seen;
  const Json refused = Await(kube::kPipelines, "chain", "says so", [&](const Json& object) {
    seen += object.dump();
    return object.dump().find("exceeded quota") != std::string::npos;
  });
  EXPECT_EQ(ConditionOf(refused, "Ready"), "False");
  EXPECT_THAT(refused.dump(), HasSubstr("QuotaExceeded"));
  EXPECT_EQ(seen.find("lastRun\""), std::string::npos) << seen;
  {
    const std::lock_guard lock(log_mutex_);
    EXPECT_EQ(log_.find("RunCreated"), std::string::npos) << log_;
  }
  full = false;
  Await(kube::kPipelines, "chain", "has a run",
        [](const Json& object) { return object["status"].contains("lastRun"); });
  StopEngine();
  EXPECT_NE(log_.find("RunCreated"), std::string::npos) << log_;
}

TEST_F(RefusedEngines, ARunWhoseSpecDoesNotDecodeIsFinished) {
  StartEngine();
  Create(kube::kPipelineRuns, "metadata: {name: first}\nspec: {pipelineSpec: {steps: none}}\n");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "False");
  EXPECT_THAT(run.dump(), HasSubstr("InvalidSpec"));
  EXPECT_THAT(run.dump(), HasSubstr("spec.pipelineSpec.steps"));
}

// The pod of a step that could not start, which no informer shows.
TEST_F(RefusedEngines, SendADeleteOnceAPauseAndTellThatItIsRefused) {
  std::atomic<bool> forbidden = true;
  std::atomic<int> deletes = 0;
  kubelet_->Script("work", 1, Ending::kPend);
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb != "delete" || request.type.plural != "pods") return std::nullopt;
    ++deletes;
    if (!forbidden) return std::nullopt;
    return Error{ErrorKind::kForbidden, "admission webhook \"keep\" denied the request"};
  });
  StartEngine();
  CreateRun("first", "timeouts: {pending: 1s}");
  Await(kube::kPipelineRuns, "first", "has its pod",
        [](const Json& object) { return StepOf(object, "work").contains("pod"); });
  Patch(kube::kPods, PodOf("first"),
        {{"metadata", {{"labels", {{plan::kLabelManaged, nullptr}}}}}});
  const Json told = Await(kube::kPipelineRuns, "first", "says so", [](const Json& object) {
    return object.dump().find("could not be deleted: admission webhook") != std::string::npos;
  });
  EXPECT_EQ(ConditionOf(told, "Finished"), "False");
  const int sent = deletes;
  forbidden = false;
  EXPECT_EQ(StepOf(AwaitFinished("first"), "work").at("phase"), "Failed");
  EXPECT_LE(sent, 2);
  EXPECT_LE(deletes, sent + 3) << "one a pause";
  const std::lock_guard lock(log_mutex_);
  EXPECT_NE(log_.find("event Forbidden first"), std::string::npos) << log_;
}

}  // namespace
}  // namespace penstock::controllers
