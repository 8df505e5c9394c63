// What a release has stored is read, and gone on with, by the program of today.
#include <gmock/gmock.h>

#include <fstream>

#include "operator/controllers/testing/engine_fixture.h"
#include "operator/kube/resources.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/metadata/query.h"
#include "tests/upgrade/kept_release.h"

namespace penstock::upgrade {
namespace {

namespace fs = std::filesystem;
using controllers::ConditionOf;
using controllers::FakeKubelet;
using controllers::StepOf;
using ::testing::IsEmpty;

// Three steps in a chain, with all that a step has.
std::string Steps() {
  const std::string image = "registry.example.com/tool@sha256:" + std::string(64, '1');
  const auto step = [&](const std::string& name, const std::string& input) {
    return "  - name: " + name + "\n    container: {image: \"" + image + "\", command: [" + name +
           ", $(parameters.rate)], env: [{name: TITLE, value: \"$(parameters.title)\"}]}\n" +
           (input.empty() ? "" : "    inputs: {data: $(steps." + input + ".outputs.data)}\n") +
           "    outputs: [{name: data, type: dataset}]\n    results: [{name: auc, type: number}]\n";
  };
  return "  parameters: [{name: rate, type: number, default: 0.1}, {name: title, type: string, "
         "default: \"\"}]\n  steps:\n" +
         step("ingest", "") + step("prepare", "ingest") + step("train", "prepare") +
         "  outputs: {model: $(steps.train.outputs.data)}\n";
}

std::string RunOf(const std::string& name) {
  return "metadata: {name: " + name +
         "}\nspec: {pipelineRef: {name: chain}, parameters: {title: " + name + "}}\n";
}

class Upgrades : public controllers::EngineTest {
 protected:
  // A run to its end, one that failed, one whose second step runs, and a model that is served.
  void MakeAllThereIs() {
    Create(kube::kPipelines, "metadata: {name: chain}\nspec:\n  runPolicy: Manual\n" + Steps());
    Create(kube::kComponents,
           "metadata: {name: split-1.0.0}\nspec: {name: split, version: 1.0.0, codeVersion: \"1\", "
           "container: {image: \"registry.example.com/tool:1\", command: [split]}}\n");
    Create(kube::kPipelineRuns, RunOf("done"));
    AwaitFinished("done");
    kubelet_->Script("train", 1, FakeKubelet::Ending::kFail);
    Create(kube::kPipelineRuns, RunOf("failed"));
    AwaitFinished("failed");
    kubelet_->Script("prepare", 1, FakeKubelet::Ending::kHang);
    Create(kube::kPipelineRuns, RunOf("under-way"));
    Await(kube::kPipelineRuns, "under-way", "prepare runs",
          [](const Json& run) { return StepOf(run, "prepare").value("phase", "") == "Running"; });
    ServeAModel();
  }

  void ServeAModel() {
    fs::create_directories(folder_ / "model");
    std::ofstream(folder_ / "model" / "model.yaml") << "version: 1\n";
    auto model = store_->Put("team", folder_ / "model");
    ASSERT_TRUE(model);
    Create(kube::kModelDeployments, "metadata: {name: flights}\nspec: {model: \"" + model->digest +
                                        "\", replicas: 1, resources: {limits: {memory: 1Gi}}, "
                                        "monitoring: {log: {columns: [hour]}}}\n");
    Await(kube::kDeployments, "flights-v1", "there", [](const Json&) { return true; });
    ASSERT_TRUE(cluster_.MergePatch(kube::kDeployments, "team", "flights-v1",
                                    {{"status",
                                      {{"observedGeneration", 1},
                                       {"updatedReplicas", 1},
                                       {"readyReplicas", 1},
                                       {"availableReplicas", 1}}}},
                                    {.subresource = "status"}));
    AwaitServed();
  }
  void AwaitServed() {
    Await(kube::kModelDeployments, "flights", "ready",
          [](const Json& md) { return ConditionOf(md, "Ready") == "True"; });
  }

  // What the release left, as a backup would be put back, and a look at what is written from then
  // on.
  void PutBack(const fs::path& release) {
    kubelet_.reset();  // the pods are what they are
    fs::copy(release / "store", folder_ / "store", fs::copy_options::recursive);
    kept_ = ReadObjects(release);
    for (const auto& kept : kept_) cluster_.Restore(kept.type, kept.object);
    watching_.emplace(cluster_, [this](const local::Request& request) -> std::optional<Error> {
      const bool looks = request.verb == "get" || request.verb == "list" || request.verb == "watch";
      const std::lock_guard lock(mutex_);
      if (!looks && request.subresource.empty() && request.type != kube::kEvents)
        writes_.push_back(std::string(request.verb) + " " + std::string(request.type.plural) + " " +
                          request.name);
      if (request.verb == "list" && request.type == kube::kDeployments && request.ns == "team")
        ++visits_;
      return std::nullopt;
    });
  }
  // As the release left the run, ModelDeployment or Pipeline of that name.
  const Json& Kept(const std::string& name) {
    const auto it = std::find_if(kept_.begin(), kept_.end(), [&](const KeptObject& k) {
      const bool own = k.type.group == kube::kPenstockGroup;
      return own && k.object["metadata"]["name"] == name;
    });
    if (it == kept_.end()) throw std::runtime_error("nothing is kept of " + name);
    return it->object;
  }
  // The pod of the step that was under way ends, as a kubelet would say.
  void EndPodOf(const std::string& run, const std::string& step) {
    const std::string pod = StepOf(Get(kube::kPipelineRuns, run), step)["pod"];
    ASSERT_TRUE(cluster_.MergePatch(
        kube::kPods, "team", pod,
        {{"status",
          {{"phase", "Failed"},
           {"containerStatuses",
            Json::array(
                {{{"name", "step"},
                  {"state",
                   {{"terminated",
                     {{"exitCode", 1},
                      {"finishedAt", "2026-11-28T12:00:00Z"},
                      {"message", R"({"protocol":1,"outcome":"Failed","exitCode":1})"}}}}}}})}}}},
        {.subresource = "status"}));
  }

  std::vector<KeptObject> kept_;
  std::mutex mutex_;
  std::vector<std::string> writes_;  // of objects, not of statuses and events
  std::atomic<int> visits_ = 0;      // of ModelDeployments
  std::optional<controllers::Interception> watching_;
};

TEST(Releases, AreKept) { EXPECT_FALSE(Releases().empty()); }

class KeptReleases : public Upgrades, public ::testing::WithParamInterface<fs::path> {};

// What is written back of an object that was read.
template <typename T>
Json ReadAndWritten(const api::Decoded<T>& decoded) {
  EXPECT_THAT(decoded.errors, IsEmpty()) << api::Describe(decoded.errors);
  return api::Encode(decoded.value);
}

// Every field of `kept` has its value in `now`, which may have more. What is the default is not
// written.
void ExpectKept(const Json& kept, const Json& now, const std::string& what) {
  const Json there = now.flatten(), before = kept.flatten();
  const Json defaults = {{"type", "string"}, {"replicas", 1}};
  for (const auto& [path, value] : before.items()) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!there.contains(path) && defaults.value(name, Json()) == value) continue;
    EXPECT_EQ(there.value(path, Json("(is gone)")), value) << what << " " << path;
  }
}

TEST_P(KeptReleases, AreDecodedWithoutAnErrorAndNoFieldIsLost) {
  int seen = 0;
  for (const auto& [type, object] : ReadObjects(GetParam())) {
    Json written;
    if (type == kube::kPipelines) written = ReadAndWritten(api::DecodePipeline(object));
    if (type == kube::kPipelineRuns) written = ReadAndWritten(api::DecodePipelineRun(object));
    if (type == kube::kComponents) written = ReadAndWritten(api::DecodeComponent(object));
    if (type == kube::kModelDeployments)
      written = ReadAndWritten(api::DecodeModelDeployment(object));
    if (written.is_null()) continue;
    ++seen;
    const std::string what = object["kind"].get<std::string>();
    ExpectKept(object["spec"], written["spec"], what + " spec");
    if (object.contains("status"))
      ExpectKept(object["status"], written["status"], what + " status");
  }
  EXPECT_GE(seen, 6) << "of a Pipeline, three runs, a Component and a ModelDeployment";
}

TEST_P(KeptReleases, HaveARunThatGoesOnAndModelServersThatAreNotRestarted) {
  PutBack(GetParam());
  StartEngine();
  EndPodOf("under-way", "prepare");
  const Json run = AwaitFinished("under-way");
  EXPECT_EQ(ConditionOf(run, "Succeeded"), "False");
  const Json& before = Kept("under-way");
  EXPECT_EQ(run["spec"], before["spec"]);
  EXPECT_EQ(run["metadata"]["labels"], before["metadata"]["labels"]);
  for (const char* field : {"startTime", "revision", "observedGeneration"})
    EXPECT_EQ(run["status"][field], before["status"][field]) << field;
  EXPECT_EQ(StepOf(run, "ingest"), StepOf(before, "ingest")) << "it was done";
  const Json prepare = StepOf(run, "prepare"), started = StepOf(before, "prepare");
  for (const char* field : {"attempts", "cacheKey", "cacheMiss", "pod", "startTime"})
    EXPECT_EQ(prepare[field], started[field]) << field;
  EXPECT_EQ(prepare["phase"], "Failed");
  EXPECT_EQ(prepare["reason"], "ExitCode");
  EXPECT_EQ(StepOf(run, "train")["phase"], "Skipped");
  const Json& sum = run["status"]["summary"];
  EXPECT_EQ(sum["succeeded"], 1);
  EXPECT_EQ(sum["failed"], 1);
  EXPECT_EQ(sum["skipped"], 1);
  EXPECT_EQ(sum["total"], 3);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (visits_ < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_GE(visits_, 2);
  AwaitServed();
  StopEngine();
  // Where the store is has changed with its folder; that restarts nothing.
  std::erase_if(writes_, [](const auto& w) { return w.find(" flights-store") != w.npos; });
  EXPECT_THAT(writes_, IsEmpty());
  for (const char* ended : {"done", "failed"})
    EXPECT_EQ(Get(kube::kPipelineRuns, ended)["status"], Kept(ended)["status"]) << ended;
  EXPECT_EQ(Get(kube::kModelDeployments, "flights")["status"], Kept("flights")["status"]);
  EXPECT_EQ(Get(kube::kPipelines, "chain")["status"]["outputs"],
            Kept("chain")["status"]["outputs"]);
}

TEST_P(KeptReleases, HaveReceiptsCacheEntriesAndFolders) {
  // A copy: what is read is put to use, which the store writes down.
  fs::copy(GetParam() / "store", folder_ / "kept-store", fs::copy_options::recursive);
  const artifacts::Store store(folder_ / "kept-store");
  int receipts = 0, entries = 0, folders = 0;
  for (const auto& file : fs::recursive_directory_iterator(store.root() / "team" / "receipts")) {
    if (!file.is_regular_file()) continue;
    const auto receipt =
        store.GetReceipt("team", file.path().parent_path().filename(), file.path().filename());
    EXPECT_TRUE(receipt) << (receipt ? "" : receipt.error().message);
    ++receipts;
  }
  for (const auto& file : fs::recursive_directory_iterator(store.root() / "team" / "cache")) {
    if (!file.is_regular_file()) continue;
    const auto entry = store.GetCacheEntry("team", "sha256:" + file.path().filename().string());
    EXPECT_TRUE(entry) << (entry ? "" : entry.error().message);
    ++entries;
  }
  for (const auto& kept : ReadObjects(GetParam())) {
    if (kept.type != kube::kModelDeployments) continue;
    const ArtifactRef model{kept.object["spec"]["model"], true, 0};
    const auto got = store.Get("team", model, folder_ / ("model-" + std::to_string(++folders)));
    EXPECT_TRUE(got) << (got ? "" : got.error().message);
  }
  EXPECT_GE(receipts, 5);
  EXPECT_GE(entries, 5);
  EXPECT_EQ(folders, 1);
}

TEST_P(KeptReleases, HaveAHistoryThatOpensAndGoesOn) {
  metadata::BatchRecorderOptions options;
  const fs::path file = folder_ / "metadata.sqlite";
  fs::copy_file(GetParam() / "metadata.sqlite", file);
  options.database = metadata::SqliteFile(file);
  std::string warnings;
  options.warn = [&](const std::string& what) { warnings += what; };
  {
    auto recorder = metadata::BatchRecorder::Open(options, clock_);
    ASSERT_TRUE(recorder->is_open()) << warnings;
    auto again = metadata::Query(file).Run("team", "done");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->outcome, "Succeeded");
    EXPECT_EQ(again->steps.size(), 3U);
    again->outcome = "Rewritten";
    recorder->RecordRun(*again);
    recorder->Flush();
  }
  EXPECT_EQ(metadata::Query(file).Run("team", "done")->outcome, "Rewritten");
  EXPECT_EQ(warnings, "") << "nothing was set aside";
}

INSTANTIATE_TEST_SUITE_P(Of, KeptReleases, ::testing::ValuesIn(Releases()), [](const auto& info) {
  std::string name = info.param.filename();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < '0' || c > 'z'; }, '_');
  return name;
});

// tests/upgrade/keep runs this alone.
TEST_F(Upgrades, DISABLED_WriteWhatThisReleaseStores) {
  const char* keep = std::getenv("PENSTOCK_KEEP");
  ASSERT_NE(keep, nullptr) << "run tests/upgrade/keep";
  const fs::path folder = keep;
  metadata::BatchRecorderOptions options;
  options.database = metadata::SqliteFile(folder / "metadata.sqlite");
  {
    auto recorder = metadata::BatchRecorder::Open(options, clock_);
    ASSERT_TRUE(recorder->is_open());
    StartEngine(nullptr, recorder.get());
    MakeAllThereIs();
    StopEngine();
  }
  WriteObjects(cluster_, folder);
  fs::create_directories(folder / "store");
  fs::copy(folder_ / "store" / "team", folder / "store" / "team", fs::copy_options::recursive);
  fs::remove_all(folder / "store" / "team" / "tmp");
}

}  // namespace
}  // namespace penstock::upgrade
