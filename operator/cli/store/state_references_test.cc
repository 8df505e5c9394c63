#include "operator/cli/store/state_references.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/kube/resources.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/revisions/revision.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

std::string DigestOf(const std::string& text) { return "sha256:" + Sha256Hex(text); }

class StateReferencesTest : public testing::Test {
 protected:
  static fs::path MakeFolder() {
    std::string name = (fs::temp_directory_path() / "penstock-state-XXXXXX").string();
    return ::mkdtemp(name.data());
  }
  ~StateReferencesTest() override { fs::remove_all(folder_); }

  [[nodiscard]] bool Names(const std::string& text) {
    std::string all;
    const auto read =
        references_.Each("default", [&](std::string_view t) { all.append(t).append("\n"); }, {});
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return all.find(DigestOf(text)) != all.npos;
  }
  void Save(const kube::ResourceType& type, const Json& spec) {
    ASSERT_TRUE(State(folder_).Save(
        type, {{"kind", type.kind}, {"metadata", {{"name", "x"}}}, {"spec", spec}}));
  }

  SystemClock clock_;
  const fs::path folder_ = MakeFolder();
  StateReferences references_{State(folder_), clock_, hours(24 * 30)};
};

TEST_F(StateReferencesTest, EachKindOfObjectIsAReference) {
  EXPECT_FALSE(Names("PipelineRun"));
  for (const kube::ResourceType* type :
       {&kube::kPipelineRuns, &kube::kPipelines, &kube::kConfigMaps, &kube::kModelDeployments}) {
    const std::string kind(type->kind);
    Save(*type, {{"data", DigestOf(kind)}});
    EXPECT_TRUE(Names(kind)) << kind;
  }
}

TEST_F(StateReferencesTest, WhatARunIsPinnedToIsAReference) {
  const auto revision = revisions::MakeRevision("default", Json{{"code", DigestOf("code")}}.dump());
  ASSERT_TRUE(State(folder_).Save(kube::kControllerRevisions, *revision));
  EXPECT_TRUE(Names("code"));
}

TEST_F(StateReferencesTest, WhatIsServedIsAReference) {
  std::ofstream(folder_ / "serve.json") << Json{{"model", DigestOf("model")}}.dump();
  EXPECT_TRUE(Names("model"));
}

TEST_F(StateReferencesTest, HistoryIsAReferenceForAsLongAsItIsKept) {
  metadata::BatchRecorderOptions options;
  options.database = metadata::SqliteFile(folder_ / "metadata.sqlite");
  const auto recorder = metadata::BatchRecorder::Open(options, clock_);
  for (const auto& [uid, days] : {std::pair{"young", 29}, {"old", 31}}) {
    metadata::RunRecord run;
    run.uid = run.name = uid;
    run.namespace_ = "default";
    run.finished = clock_.Now() - hours(24 * days);
    metadata::StepRecord step;
    step.name = "s";
    step.outputs.push_back({"out", "model", DigestOf(uid), "", false, 1});
    run.steps.push_back(step);
    recorder->RecordRun(run);
  }
  recorder->Flush();
  EXPECT_TRUE(Names("young"));
  EXPECT_FALSE(Names("old"));
}

TEST_F(StateReferencesTest, AnObjectThatCannotBeReadIsAnError) {
  Save(kube::kPipelineRuns, {});
  std::ofstream(folder_ / "objects" / "pipelineruns" / "half.json") << "{\"kind\":";
  const auto read = references_.Each("default", [](std::string_view) {}, {});
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("half.json"), std::string::npos);
}

}  // namespace
}  // namespace penstock::cli
