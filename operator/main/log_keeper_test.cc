#include "operator/main/log_keeper.h"

#include <gmock/gmock.h>

#include <thread>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/metadata/batch_recorder.h"

namespace penstock::main {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class LogKeeper : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(artifacts::RemoveTree(dir_));
    metadata::BatchRecorderOptions options;
    options.database = metadata::SqliteFile(dir_ / "metadata.sqlite");
    recorder_ = metadata::BatchRecorder::Open(options, clock_);
    run_.uid = "uid-1";
    run_.namespace_ = "team";
    run_.name = "run-1";
    run_.outcome = "Succeeded";
    metadata::StepRecord step;
    step.name = "train";
    step.attempt = 1;
    step.pod = "pod-1";
    run_.steps = {step};
    recorder_->RecordRun(run_);
    recorder_->Flush();
    cluster_.SetLogSource([this](const std::string&, const std::string&, const kube::LogOptions& o,
                                 const kube::LogSink& sink, std::stop_token) -> Result<void> {
      ++asked_;
      if (fails_) return Transient("the API server is away");
      sink(o.container + ": " + log_);
      return {};
    });
  }
  void MakePod() {
    ASSERT_TRUE(cluster_.Create(
        kube::kPods, "team",
        {{"apiVersion", "v1"},
         {"kind", "Pod"},
         {"metadata", {{"name", "pod-1"}, {"namespace", "team"}}},
         {"spec",
          {{"containers",
            {{{"name", "step-a"}}, {{"name", "step-b"}}, {{"name", "sidecar-x"}}}}}}}));
  }
  Result<int> Keep() {
    return KeepLogsOf(cluster_, metadata::Query(dir_ / "metadata.sqlite"), store_, run_, {});
  }
  std::string Kept() { return ReadFile(*store_.Path("team", "uid-1", "pod-1")).value(); }

  const fs::path dir_ = fs::path(testing::TempDir()) / "log_keeper";
  SystemClock clock_;
  local::MemoryCluster cluster_{clock_};
  artifacts::LogStore store_{dir_ / "artifacts"};
  std::unique_ptr<metadata::BatchRecorder> recorder_;
  metadata::RunRecord run_;
  std::string log_ = "hello\n";
  int asked_ = 0;
  bool fails_ = false;
};

TEST_F(LogKeeper, KeepsWhatTheStepsContainersWroteInTheirOrderOnce) {
  MakePod();
  EXPECT_EQ(Keep().value(), 1);
  EXPECT_EQ(Kept(), "step-a: hello\nstep-b: hello\n");
  EXPECT_EQ(Keep().value(), 0);
  EXPECT_EQ(asked_, 2);
}

TEST_F(LogKeeper, OfALongLogTheEndIsKeptAndSaysSo) {
  MakePod();
  log_ = std::string(3 << 20, 'x') + "\n" + std::string(2 << 20, 'y') + "\nthe end\n";
  ASSERT_EQ(Keep().value(), 1);
  const std::string kept = Kept();
  EXPECT_LE(kept.size(), artifacts::kMaxLogBytes);
  EXPECT_THAT(kept.substr(0, 200), StartsWith("penstock: "));
  EXPECT_THAT(kept.substr(kept.size() - 20), EndsWith("the end\n"));
}

TEST_F(LogKeeper, APodThatIsGoneHasNoLogAndStopsNobody) {
  EXPECT_EQ(Keep().value(), 0);
  EXPECT_FALSE(store_.Path("team", "uid-1", "pod-1"));
}

TEST_F(LogKeeper, AnApiServerThatIsAwayIsAskedAgainLater) {
  MakePod();
  fails_ = true;
  EXPECT_FALSE(Keep());
  fails_ = false;
  EXPECT_EQ(Keep().value(), 1);
}

TEST_F(LogKeeper, APodThatStillRunsIsKeptWhenItHasEnded) {
  MakePod();
  const auto say = [&](const char* state) {
    const Json statuses = {{{"name", "step-a"}, {"state", {{state, Json::object()}}}}};
    ASSERT_TRUE(cluster_.MergePatch(kube::kPods, "team", "pod-1",
                                    {{"status", {{"containerStatuses", statuses}}}},
                                    {.subresource = "status"}));
  };
  say("running");
  EXPECT_FALSE(Keep());
  EXPECT_FALSE(store_.Path("team", "uid-1", "pod-1"));
  say("terminated");
  EXPECT_EQ(Keep().value(), 1);
}

TEST_F(LogKeeper, ARunWhoseNodeIsAwayKeepsNoOtherWaiting) {
  MakePod();
  metadata::RunRecord second = run_;
  second.uid = "uid-2";
  second.name = "run-2";
  second.steps[0].pod = "pod-2";
  recorder_->RecordRun(second);
  recorder_->Flush();
  ASSERT_TRUE(cluster_.Create(kube::kPods, "team",
                              {{"apiVersion", "v1"},
                               {"kind", "Pod"},
                               {"metadata", {{"name", "pod-2"}, {"namespace", "team"}}},
                               {"spec", {{"containers", {{{"name", "step"}}}}}}}));
  cluster_.SetLogSource([](const std::string&, const std::string& pod, const kube::LogOptions&,
                           const kube::LogSink& sink, std::stop_token) -> Result<void> {
    if (pod == "pod-1") return Transient("the kubelet is away");
    sink("hello\n");
    return {};
  });
  const runtime::Log log(runtime::LogFormat::kJson, "error");
  const std::jthread keeper([&](const std::stop_token& stop) {
    KeepLogs(cluster_, metadata::Query(dir_ / "metadata.sqlite"), store_, log, stop);
  });
  for (int tries = 0; tries < 2'000 && !store_.Path("team", "uid-2", "pod-2"); ++tries)
    Pause(Milliseconds(10), {});
  EXPECT_TRUE(store_.Path("team", "uid-2", "pod-2"));
}

// Hundreds of items on it, half a minute each, kept the logs of all other runs waiting for hours.
TEST_F(LogKeeper, ANodeThatIsAwayIsAskedOnceForAllOfItsPods) {
  metadata::StepRecord step = run_.steps[0];
  run_.steps.clear();
  for (int i = 0; i < 3; ++i) {
    step.name = "train-" + std::to_string(i);
    step.pod = "on-" + std::to_string(i);
    run_.steps.push_back(step);
    ASSERT_TRUE(cluster_.Create(
        kube::kPods, "team",
        {{"apiVersion", "v1"},
         {"kind", "Pod"},
         {"metadata", {{"name", step.pod}, {"namespace", "team"}}},
         {"spec", {{"nodeName", i < 2 ? "away" : "here"}, {"containers", {{{"name", "step"}}}}}}}));
  }
  run_.uid = "uid-2";
  run_.name = "run-2";
  recorder_->RecordRun(run_);
  recorder_->Flush();
  int asked = 0;
  cluster_.SetLogSource([&](const std::string&, const std::string& pod, const kube::LogOptions&,
                            const kube::LogSink& sink, std::stop_token) -> Result<void> {
    ++asked;
    if (pod != "on-2") return Transient("the kubelet is away");
    sink("hello\n");
    return {};
  });
  EXPECT_FALSE(Keep());
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(store_.Path("team", "uid-2", "on-2")) << "the other node's is kept";
}

// Of a loop only the pods knew what its items had said.
TEST_F(LogKeeper, ItemsOfALoopHaveTheirLogsAfterTheirPods) {
  ASSERT_TRUE(cluster_.Create(kube::kPipelineRuns, "team",
                              {{"apiVersion", "penstock.dev/v1alpha1"},
                               {"kind", "PipelineRun"},
                               {"metadata", {{"name", "run-1"}, {"namespace", "team"}}},
                               {"spec", {{"pipelineRef", {{"name", "flights"}}}}}}));
  run_.uid = cluster_.Get(kube::kPipelineRuns, "team", "run-1").value()["metadata"]["uid"];
  const auto item = [&](int index, const char* phase) {
    const std::string name = "item-" + std::to_string(index);
    ASSERT_TRUE(cluster_.Create(
        kube::kPods, "team",
        {{"apiVersion", "v1"},
         {"kind", "Pod"},
         {"metadata",
          {{"name", name},
           {"namespace", "team"},
           {"labels",
            {{"penstock.dev/run-uid", run_.uid}, {"penstock.dev/item", std::to_string(index)}}}}},
         {"spec", {{"containers", {{{"name", "step"}}}}}}}));
    ASSERT_TRUE(cluster_.MergePatch(kube::kPods, "team", name, {{"status", {{"phase", phase}}}},
                                    {.subresource = "status"}));
  };
  item(0, "Succeeded");
  item(1, "Failed");
  item(2, "Running");
  log_ = std::string(100 << 10, 'x') + "\nthe end\n";
  EXPECT_EQ(Keep().value(), 0) << "no step of it is a loop";
  ASSERT_TRUE(cluster_.MergePatch(
      kube::kPipelineRuns, "team", "run-1",
      {{"status", {{"steps", {{{"name", "each"}, {"items", {{"total", 3}}}}}}}}},
      {.subresource = "status"}));
  EXPECT_EQ(Keep().value(), 2);
  EXPECT_EQ(Keep().value(), 0);
  const std::string kept = ReadFile(*store_.Path("team", run_.uid, "item-1")).value();
  EXPECT_LE(kept.size(), kItemLogBytes);
  EXPECT_THAT(kept, EndsWith("the end\n"));
  EXPECT_FALSE(store_.Path("team", run_.uid, "item-2"));
}

TEST_F(LogKeeper, ARestartAsksForNoPodOfARunThatEndedLongAgo) {
  const TimePoint now = clock_.Now();
  run_.finished = now - std::chrono::hours(1);
  EXPECT_TRUE(MayHaveLogs(run_, now));
  run_.finished = now - kLateLogs - std::chrono::hours(1);
  EXPECT_FALSE(MayHaveLogs(run_, now));
  run_.finished = now;
  run_.outcome.clear();
  EXPECT_FALSE(MayHaveLogs(run_, now)) << "it goes on";
}

TEST_F(LogKeeper, OldLogsAreRemovedWithTheirFolders) {
  MakePod();
  ASSERT_EQ(Keep().value(), 1);
  EXPECT_EQ(store_.RemoveOlder(std::chrono::hours(1)).value(), 0);
  const fs::path file = *store_.Path("team", "uid-1", "pod-1");
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(2));
  EXPECT_EQ(store_.RemoveOlder(std::chrono::hours(1)).value(), 1);
  EXPECT_FALSE(fs::exists(file.parent_path()));
}

TEST_F(LogKeeper, AStoreThatNobodyHasWrittenToHasNoOldLogs) {
  const artifacts::LogStore store("/nonexistent/artifacts");
  const auto removed = store.RemoveOlder(std::chrono::hours(1));
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, 0);
}

TEST_F(LogKeeper, ANameThatLeavesTheFolderIsRefused) {
  EXPECT_FALSE(store_.Put("team", "..", "pod", "x"));
  EXPECT_FALSE(store_.Put("team", "uid", "../pod", "x"));
}

}  // namespace
}  // namespace penstock::main
