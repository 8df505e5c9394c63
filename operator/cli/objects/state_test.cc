// What cannot be read is not taken for absent.
#include "operator/cli/objects/state.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "operator/cli/objects/manifest_files.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

class UnreadableFiles : public testing::Test {
 protected:
  UnreadableFiles() { fs::create_directories(folder_); }
  ~UnreadableFiles() override { fs::remove_all(folder_); }
  // Links that lead in a circle: root cannot look at them either.
  static void Hide(const fs::path& path) {
    fs::create_directories(path.parent_path());
    fs::create_symlink(path.filename(), path);
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) / ("unreadable-" + std::to_string(getpid()));
};

TEST_F(UnreadableFiles, AStateFolderDoesNotSayThatNothingWasRun) {
  Hide(folder_ / "objects" / "pipelineruns");
  const auto runs = State(folder_).Load(kube::kPipelineRuns);
  ASSERT_FALSE(runs);
  EXPECT_NE(runs.error().message.find("pipelineruns"), std::string::npos);
  EXPECT_TRUE(State(folder_).Load(kube::kPipelines)) << "there is none";
}

TEST_F(UnreadableFiles, AManifestOfAFolderIsNamedAndNotLeftOut) {
  Hide(folder_ / "many" / "pipeline.yaml");
  std::istringstream none;
  const Manifests all = LoadManifests({"many"}, folder_, none);
  ASSERT_EQ(all.problems.size(), 1U);
  EXPECT_EQ(all.problems[0].file, "many/pipeline.yaml");
}

TEST_F(UnreadableFiles, TheLockOfAnEditorIsNoManifest) {
  fs::create_directories(folder_ / "many");
  std::ofstream(folder_ / "many" / "pipeline.yaml")
      << "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
  fs::create_symlink("me@here.7:1", folder_ / "many" / ".#pipeline.yaml");
  std::istringstream none;
  const Manifests all = LoadManifests({"many"}, folder_, none);
  for (const Problem& problem : all.problems)
    EXPECT_EQ(problem.message.find(".#"), std::string::npos) << Describe(problem);
  ASSERT_EQ(all.files.size(), 1U);
  EXPECT_EQ(all.files[0], folder_ / "many" / "pipeline.yaml");
}

}  // namespace
}  // namespace penstock::cli
