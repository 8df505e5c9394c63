#include "operator/artifacts/compose.h"

#include <gtest/gtest.h>

#include <fstream>

#include "operator/artifacts/manifest.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::artifacts {
namespace {
namespace fs = std::filesystem;

class ComposeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(dir_));
    fs::create_directories(dir_ / "in" / "sub");
    std::ofstream(dir_ / "in" / "sub" / "run.sh") << "#!/bin/sh\n";
    fs::permissions(dir_ / "in" / "sub" / "run.sh", fs::perms::owner_exec, fs::perm_options::add);
    folder_ = store_.Put("ns", dir_ / "in").value();
    file_ = PutBytes(store_, "ns", "1,2\n").value();
  }
  void TearDown() override { ASSERT_TRUE(RemoveTree(dir_)); }
  std::size_t Blobs() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir_ / "store" / "ns" / "blobs"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  const fs::path dir_ =
      fs::path(testing::TempDir()) /
      (std::string("compose_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  Store store_{dir_ / "store"};
  ArtifactRef folder_, file_;
};

TEST_F(ComposeTest, MakesAFolderOfArtifactsAndWritesItsManifestOnly) {
  const std::size_t before = Blobs();
  const auto made = ComposeFolder(store_, "ns", {{"0000", file_}, {"0002", folder_}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(Blobs(), before + 1);
  EXPECT_TRUE(made->folder);
  EXPECT_EQ(made->bytes, file_.bytes + folder_.bytes);
  ASSERT_TRUE(store_.Get("ns", *made, dir_ / "out"));
  EXPECT_EQ(ReadFile(dir_ / "out" / "0000").value(), "1,2\n");
  EXPECT_EQ(ReadFile(dir_ / "out" / "0002" / "sub" / "run.sh").value(), "#!/bin/sh\n");
  EXPECT_NE(
      fs::status(dir_ / "out" / "0002" / "sub" / "run.sh").permissions() & fs::perms::owner_exec,
      fs::perms::none);
}

TEST_F(ComposeTest, IsTheFolderThatPutMakesOfTheSameFiles) {
  const auto made = ComposeFolder(store_, "ns", {{"b", file_}, {"a", folder_}});
  ASSERT_TRUE(store_.Get("ns", *made, dir_ / "out"));
  EXPECT_EQ(store_.Put("ns", dir_ / "out").value(), *made);
}

TEST_F(ComposeTest, DigestsTheBlocksOfALargeFile) {
  const std::string bytes(kBlockBytes + 5, 'x');
  const auto large = PutBytes(store_, "ns", bytes).value();
  const auto made = ComposeFolder(store_, "ns", {{"0000", large}});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_TRUE(store_.Get("ns", *made, dir_ / "out"));
  EXPECT_EQ(store_.Put("ns", dir_ / "out").value(), *made);
}

TEST_F(ComposeTest, OfNothingIsAnEmptyFolder) {
  const auto made = ComposeFolder(store_, "ns", {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(store_.Exists("ns", *made).value());
}

TEST_F(ComposeTest, RefusesNamesThatMeetAndSaysWhatIsMissing) {
  EXPECT_EQ(ComposeFolder(store_, "ns", {{"a", file_}, {"a", file_}}).error().kind,
            ErrorKind::kInvalid);
  const ArtifactRef gone{"sha256:" + std::string(64, '0'), true, 1};
  EXPECT_EQ(ComposeFolder(store_, "ns", {{"a", gone}}).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace penstock::artifacts
