// An operator that starts on an API server whose watch cache has fallen behind: what it is shown
// has been overtaken, what it writes meets the present.
#include <gmock/gmock.h>

#include <condition_variable>
#include <future>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using ::testing::ElementsAre;
using Ending = FakeKubelet::Ending;

// Lists and watches of the kinds that it was given give an old state until it has caught up; gets
// and writes go to the cluster, as they go to etcd.
class LaggingClient : public kube::ForwardingClient {
 public:
  using ForwardingClient::ForwardingClient;
  void Show(const kube::ResourceType& type, kube::ListPage page) {
    old_[std::string(type.plural)] = std::move(page);
  }
  void CatchUp() {
    const std::lock_guard lock(mutex_);
    behind_ = false;
    changed_.notify_all();
  }
  Result<kube::ListPage> List(const kube::ResourceType& type, const std::string& ns,
                              const kube::ListOptions& options, const kube::Call& call) override {
    if (const auto* old = Old(type)) return *old;
    return ForwardingClient::List(type, ns, options, call);
  }
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override {
    if (Old(type) == nullptr)
      return ForwardingClient::Watch(type, ns, options, sink, std::move(stop));
    if (options.send_initial_events) return Invalid("streaming lists are not known here");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !behind_; });
    Error expired;
    expired.kind = ErrorKind::kExpired;
    return expired;
  }

 protected:
  Result<void> Before(std::string_view, const kube::ResourceType&) override { return {}; }

 private:
  const kube::ListPage* Old(const kube::ResourceType& type) {
    const std::lock_guard lock(mutex_);
    const auto found = old_.find(std::string(type.plural));
    return behind_ && found != old_.end() ? &found->second : nullptr;
  }

  std::map<std::string, kube::ListPage> old_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool behind_ = true;
};

// Two steps; the image has no digest, so that nothing comes from the cache.
std::string Chain(const std::string& name) {
  return "metadata: {name: " + name +
         "}\n"
         "spec:\n"
         "  pipelineSpec:\n"
         "    steps:\n"
         "    - name: ingest\n"
         "      container: {image: \"tool:1\", command: [ingest]}\n"
         "      outputs: [{name: data, type: dataset}]\n"
         "    - name: train\n"
         "      container: {image: \"tool:1\", command: [train]}\n"
         "      inputs: {data: $(steps.ingest.outputs.data)}\n"
         "      outputs: [{name: model, type: model}]\n";
}

class StaleReplays : public EngineTest {
 protected:
  // Runs "first" to its end and gives what the API server showed of it when `ingest` had ended and
  // the operator had not yet acted on that.
  void RunFirst(LaggingClient& lagging) {
    kubelet_->Script("ingest", 1, Ending::kHang);
    StartEngine();
    Create(kube::kPipelineRuns, Chain("first"));
    const Json before = Await(kube::kPipelineRuns, "first", "ingest runs", [](const Json& run) {
      return StepOf(run, "ingest").value("phase", "") == "Running";
    });
    kubelet_->Script("ingest", 1, Ending::kSucceed);  // of runs to come
    kubelet_->Finish("ingest");
    after_ = AwaitFinished("first");
    StopEngine();
    pods_ = ListAll(kube::kPods);
    ASSERT_EQ(pods_.size(), 2U);
    kube::ListPage runs, pods;
    runs.items = {before};
    runs.resource_version = before["metadata"]["resourceVersion"];
    for (const Json& pod : pods_)
      if (pod["metadata"]["name"] == StepOf(after_, "ingest")["pod"]) pods.items = {pod};
    ASSERT_EQ(pods.items.size(), 1U);
    pods.resource_version = runs.resource_version;
    lagging.Show(kube::kPipelineRuns, runs);
    lagging.Show(kube::kPods, pods);
  }

  // An operator starts on the old state, tries to write, and is then shown the present, in which it
  // still works.
  void StartBehindAndCatchUp(LaggingClient& lagging) {
    std::promise<void> wrote;
    std::once_flag once;
    const Interception noting(cluster_, [&](const local::Request& request) -> std::optional<Error> {
      const bool about_first =
          (request.type == kube::kPods && request.verb == "create") ||
          (request.type == kube::kPipelineRuns && request.subresource == "status");
      if (about_first) std::call_once(once, [&] { wrote.set_value(); });
      return std::nullopt;
    });
    StartEngine(&lagging);
    EXPECT_EQ(wrote.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready)
        << "the old state asks for no write: the test shows nothing";
    lagging.CatchUp();
    Create(kube::kPipelineRuns, Chain("second"));
    EXPECT_EQ(ConditionOf(AwaitFinished("second"), "Succeeded"), "True");
    StopEngine();
  }

  void ExpectFirstAsItWas() {
    EXPECT_THAT(kubelet_->started(), ElementsAre("ingest/1", "train/1", "ingest/1", "train/1"))
        << "two of each run";
    EXPECT_EQ(Get(kube::kPipelineRuns, "first")["status"], after_["status"]);
    for (const Json& pod : pods_)
      EXPECT_EQ(Get(kube::kPods, pod["metadata"]["name"])["metadata"]["uid"],
                pod["metadata"]["uid"]);
    EXPECT_EQ(ListAll(kube::kPods).size(), 4U);
    EXPECT_EQ(ListAll(kube::kControllerRevisions).size(), 1U) << "of one content";
  }

  Json after_;
  std::vector<Json> pods_;
};

TEST_F(StaleReplays, OfAnOlderStateMakeNoPodASecondTime) {
  LaggingClient lagging(cluster_);
  RunFirst(lagging);
  StartBehindAndCatchUp(lagging);
  ExpectFirstAsItWas();
}

TEST_F(StaleReplays, MakeNoPodASecondTimeWhereTheReceiptsAreLostToo) {
  LaggingClient lagging(cluster_);
  RunFirst(lagging);
  std::filesystem::remove_all(store_->root() / "team" / "receipts");
  StartBehindAndCatchUp(lagging);
  ExpectFirstAsItWas();
}

}  // namespace
}  // namespace penstock::controllers
