// Engines among tenants who edit what is not theirs, and clocks that differ.
#include <gmock/gmock.h>

#include <ctime>

#include "operator/controllers/testing/one_step_runs.h"
#include "operator/kube/resources.h"
#include "operator/kube/server_clock.h"
#include "operator/plan/attempt/labels.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ending = FakeKubelet::Ending;

class EnginesInTrouble : public OneStepRuns {
 protected:
  void Strip(const std::string& pod, bool labels, bool owners) {
    Json metadata = Json::object();
    if (labels)
      metadata["labels"] = {{plan::kLabelManaged, nullptr}, {plan::kLabelStep, "another"}};
    if (owners) metadata["ownerReferences"] = nullptr;
    Patch(kube::kPods, pod, {{"metadata", metadata}});
  }
  void DeletePod(const std::string& pod) {
    kube::DeleteOptions now;
    now.grace_period_seconds = 0;
    ASSERT_TRUE(cluster_.Delete(kube::kPods, "team", pod, now));
  }
  // Notes the engine's looks at single pods from now on.
  void NoteLooks() {
    noting_.emplace(cluster_, [this](const local::Request& request) -> std::optional<Error> {
      if (request.verb != "get" || request.type.plural != "pods") return std::nullopt;
      const std::lock_guard lock(mutex_);
      looks_.push_back(std::chrono::steady_clock::now());
      return std::nullopt;
    });
  }
  std::vector<SteadyTime> Looks() {
    const std::lock_guard lock(mutex_);
    return looks_;
  }

 private:
  std::mutex mutex_;
  std::vector<SteadyTime> looks_;
  std::optional<Interception> noting_;
};

TEST_F(EnginesInTrouble, FollowAPodWhoseLabelsWereStripped) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  NoteLooks();
  Strip(PodOf("first"), true, false);
  ASSERT_TRUE(AwaitThat("five looks", [&] { return Looks().size() >= 5; }));
  const auto looks = Looks();
  for (int i = 0; i < 4; ++i)
    EXPECT_GE(looks[i + 1] - looks[i], std::chrono::milliseconds(20 << i)) << "look " << i;
  kubelet_->Finish("work");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("work"), 1);
}

TEST_F(EnginesInTrouble, FollowAPodWhoseOwnersWereStripped) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  NoteLooks();
  Strip(PodOf("first"), false, true);
  kubelet_->Finish("work");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("work"), 1);
  EXPECT_EQ(Looks().size(), 0U) << "its watch goes on telling of it";
}

TEST_F(EnginesInTrouble, FindAStrippedPodAgainAfterARestart) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  StopEngine();
  Strip(PodOf("first"), true, true);
  StartEngine();
  kubelet_->Finish("work");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("work"), 1);
}

TEST_F(EnginesInTrouble, TakeNoReceiptThatIsBeingWrittenForAnAttempt) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  StopEngine();
  const std::string pod = PodOf("first");
  const std::string uid = Get(kube::kPipelineRuns, "first")["metadata"]["uid"];
  Receipt receipt;
  receipt.run_uid = uid;
  receipt.step = "work";
  receipt.pod = pod;
  ASSERT_TRUE(store_->PutReceipt("team", receipt));
  const auto folder = store_->root() / "team" / "receipts" / uid;
  std::filesystem::rename(folder / pod, folder / (pod + ".tmp-1-0"));
  Strip(pod, true, true);
  StartEngine();
  kubelet_->Finish("work");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("work"), 1);
}

TEST_F(EnginesInTrouble, MakeAStrippedPodAgainThatSomebodyDeleted) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  const std::string pod = PodOf("first");
  Strip(pod, true, true);
  DeletePod(pod);
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_EQ(kubelet_->starts("work"), 2);
}

TEST_F(EnginesInTrouble, AnEditedAnnotationSpoilsNoCacheKey) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  Patch(kube::kPods, PodOf("first"),
        {{"metadata", {{"annotations", {{plan::kAnnotationCacheKey, nullptr}}}}}});
  kubelet_->Finish("work");
  AwaitFinished("first");
  CreateRun("second");
  EXPECT_EQ(AwaitFinished("second")["status"]["summary"]["cached"], 1);
  DeletePod(PodOf("first"));
  CreateRun("third");
  EXPECT_EQ(AwaitFinished("third")["status"]["summary"]["cached"], 1);
}

TEST_F(EnginesInTrouble, AskAgainForAFactWhoseFetchThrew) {
  std::atomic<int> thrown = 0;
  const Interception refusing(cluster_, [&](const local::Request& request) -> std::optional<Error> {
    if (request.verb == "get" && request.type.plural == "configmaps" && thrown++ == 0)
      throw std::runtime_error("out of range");
    return std::nullopt;
  });
  StartEngine();
  Create(kube::kConfigMaps, "metadata: {name: program}\ndata: {report.py: \"print(1)\"}\n");
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\n"
         "spec:\n"
         "  pipelineSpec:\n"
         "    steps:\n"
         "    - name: report\n"
         "      container: {image: \"python:3.12\", code: {configMap: {name: program}},\n"
         "                  command: [python, $(code.path)/report.py]}\n");
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "True");
  EXPECT_GE(thrown, 2);
  StopEngine();
}

TEST_F(EnginesInTrouble, AStoreThatCannotBeReadAfterARestartIsToldAndHoldsUpNoCancel) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  CreateRun("first");
  AwaitPhase("first", "Running");
  StopEngine();
  const std::string uid = Get(kube::kPipelineRuns, "first")["metadata"]["uid"];
  const auto receipts = store_->root() / "team" / "receipts";
  std::filesystem::create_directories(receipts);
  std::filesystem::create_symlink(uid, receipts / uid);  // in a circle
  StartEngine();
  const Json told = Await(kube::kPipelineRuns, "first", "told of the store", [](const Json& run) {
    return run["status"].value("trouble", "") == "StoreUnavailable";
  });
  EXPECT_EQ(StepOf(told, "work").value("phase", ""), "Running");
  Patch(kube::kPipelineRuns, "first", {{"spec", {{"cancel", "Stop"}}}});
  EXPECT_EQ(ConditionOf(AwaitFinished("first"), "Succeeded"), "False");
  EXPECT_EQ(StepOf(Get(kube::kPipelineRuns, "first"), "work").value("phase", ""), "Cancelled");
  EXPECT_TRUE(ListAll(kube::kPods).empty());
}

TEST_F(EnginesInTrouble, ADiskThatDoesNotAnswerCostsNoCacheEntry) {
  StartEngine();
  CreateRun("first", "outputs: [{name: out, type: dataset}]");
  const Json first = AwaitFinished("first");
  const auto digest = StepOf(first, "work")["outputs"][0]["digest"].get<std::string>();
  const auto blob = store_->BlobPath("team", digest).value();
  std::filesystem::rename(blob, blob.string() + "-away");
  std::filesystem::create_symlink(blob.filename(), blob);  // in a circle
  CreateRun("second", "outputs: [{name: out, type: dataset}]");
  const auto told = [&] {
    const std::lock_guard lock(log_mutex_);
    return log_.find("warn run team/second goes on when this does") != std::string::npos;
  };
  AwaitThat("the log tells of it", told);
  std::filesystem::rename(blob.string() + "-away", blob);
  EXPECT_EQ(AwaitFinished("second")["status"]["summary"]["cached"], 1);
  EXPECT_EQ(kubelet_->starts("work"), 1);
}

TEST_F(EnginesInTrouble, ARunWithAParameterThatCanNeverBeIsFinished) {
  StartEngine();
  Create(kube::kPipelines,
         "metadata: {name: chain}\nspec: {runPolicy: Manual, parameters: [{name: colour, type: "
         "string, enum: [red, blue], default: red}], steps: [" +
             Work("parameters: {c: $(parameters.colour)}") + "]}\n");
  Create(kube::kPipelineRuns,
         "metadata: {name: first}\nspec: {pipelineRef: {name: chain}, parameters: {colour: "
         "green}}\n");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "False");
  EXPECT_THAT(run.dump(), HasSubstr("spec.parameters.colour"));
  // One whose Component may still come waits.
  Create(
      kube::kPipelineRuns,
      "metadata: {name: second}\nspec: {pipelineSpec: {steps: [{name: a, component: {name: none, "
      "version: \"1\"}}]}}\n");
  const Json waits = Await(kube::kPipelineRuns, "second", "stalled", [](const Json& object) {
    return ConditionOf(object, "Stalled") == "True";
  });
  EXPECT_EQ(ConditionOf(waits, "Finished"), "False");
}

TEST_F(EnginesInTrouble, ReplaceCancelsTheRunBefore) {
  kubelet_->Script("work", 1, Ending::kHang);
  StartEngine();
  const auto pipeline = [&](const std::string& rate) {
    return "metadata: {name: chain}\nspec: {concurrency: {policy: Replace}, parameters: [{name: "
           "rate, type: number, default: " +
           rate + "}], steps: [" + Work("parameters: {r: $(parameters.rate)}") + "]}\n";
  };
  Create(kube::kPipelines, pipeline("0.1"));
  const auto first = [&] {
    const auto runs = ListAll(kube::kPipelineRuns);
    return runs.empty() ? std::string() : runs[0]["metadata"]["name"].get<std::string>();
  };
  ASSERT_TRUE(AwaitThat("a run", [&] { return !first().empty(); }));
  const std::string name = first();
  AwaitPhase(name, "Running");
  Patch(kube::kPipelines, "chain",
        {{"spec",
          {{"parameters",
            Json::array({{{"name", "rate"}, {"type", "number"}, {"default", 0.2}}})}}}});
  const Json cancelled = Await(kube::kPipelineRuns, name, "cancelled", [](const Json& object) {
    return object["spec"].value("cancel", "") != "";
  });
  EXPECT_EQ(cancelled["spec"]["cancel"], "Now");
}

// What the API server's Date says, as ApiClient tells it.
std::string DateOf(TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

class OtherClock : public SystemClock {
 public:
  explicit OtherClock(std::chrono::minutes off) : off_(off) {}
  [[nodiscard]] TimePoint Now() const override { return SystemClock::Now() + off_; }

 private:
  const std::chrono::minutes off_;
};

class EnginesOfAnotherTime : public EnginesInTrouble, public ::testing::WithParamInterface<int> {};

// The API server stamps a pod ten minutes before, or after, what the operator's machine calls now.
TEST_P(EnginesOfAnotherTime, DoAsAnyOther) {
  const OtherClock own{std::chrono::minutes(GetParam())};
  kube::ServerClock server(own);
  server.Note(DateOf(clock_.Now()));
  engine_clock_ = &server;
  kubelet_->Script("work", 1, Ending::kPend);
  kubelet_->Script("work", 2, Ending::kPend);
  StartEngine();
  CreateRun("first", "timeouts: {pending: 1m}");
  AwaitReason("first", "Starting");
  const auto pods = [&] { return ListAll(kube::kPods); };
  ASSERT_TRUE(AwaitThat("a pod", [&] { return !pods().empty(); }));
  // A look at what is there decides nothing new.
  Patch(kube::kPods, pods()[0]["metadata"]["name"],
        {{"metadata", {{"annotations", {{"a", "b"}}}}}});
  Patch(kube::kPipelineRuns, "first", {{"metadata", {{"annotations", {{"a", "b"}}}}}});
  CreateRun("second", "timeouts: {pending: 1m}, cache: {enabled: false}");
  Await(kube::kPipelineRuns, "second", "has its pod",
        [](const Json& object) { return StepOf(object, "work").contains("pod"); });
  EXPECT_EQ(StepOf(Get(kube::kPipelineRuns, "first"), "work").at("phase"), "Pending");
  EXPECT_EQ(StepOf(Get(kube::kPipelineRuns, "second"), "work").at("phase"), "Pending");
  kubelet_->Finish("work");
  const Json run = AwaitFinished("first");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "True");
  const auto finish = ParseTime(run["status"]["finishTime"].get<std::string>());
  EXPECT_LE(std::chrono::abs(*finish - clock_.Now()), std::chrono::minutes(1));
  StopEngine();  // before its clock goes
}

INSTANTIATE_TEST_SUITE_P(TenMinutes, EnginesOfAnotherTime, ::testing::Values(-10, 0, 10),
                         [](const auto& info) {
                           return info.param < 0 ? "Behind" : info.param > 0 ? "Ahead" : "Equal";
                         });

}  // namespace
}  // namespace penstock::controllers
