#include "operator/artifacts/tree.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace penstock::artifacts {
namespace {
namespace fs = std::filesystem;

class Tree : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RemoveTree(root_));
    fs::create_directories(root_ / "sub" / "empty");
    std::ofstream(root_ / "sub" / "b") << "bb";
    std::ofstream(root_ / "sub-a") << "a";
  }
  const fs::path root_ =
      fs::path(testing::TempDir()) /
      (std::string("tree_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(Tree, ListsRegularFilesSortedByPath) {
  auto files = ListTree(root_);
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].path, "sub-a");
  EXPECT_EQ((*files)[1].path, "sub/b");
  EXPECT_EQ((*files)[1].size, 2u);
}

TEST_F(Tree, RefusesALinkByName) {
  fs::create_symlink("/etc/passwd", root_ / "sub" / "stolen");
  auto files = ListTree(root_);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(files.error().message.find("sub/stolen is a symbolic link"), std::string::npos);
}

TEST_F(Tree, RefusesALinkToAFolderInsteadOfFollowingIt) {
  fs::create_directory_symlink(root_ / "sub", root_ / "again");
  EXPECT_FALSE(ListTree(root_));
}

TEST_F(Tree, RefusesAPipeByName) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  auto files = ListTree(root_);
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().message.find("pipe is a pipe"), std::string::npos);
}

TEST_F(Tree, RefusesANameThatIsNotUtf8) {
  std::ofstream(root_ / "bad\xff") << "x";
  auto files = ListTree(root_);
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().message.find("UTF-8"), std::string::npos);
}

TEST_F(Tree, RemovesWhatWasMadeReadOnly) {
  ASSERT_TRUE(MakeReadOnly(root_));
  struct stat st {};
  ASSERT_EQ(::stat((root_ / "sub" / "b").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0222, 0u);
  ASSERT_EQ(::stat((root_ / "sub").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0222, 0u);
  ASSERT_TRUE(RemoveTree(root_));
  EXPECT_FALSE(fs::exists(root_));
  EXPECT_TRUE(RemoveTree(root_));
}

}  // namespace
}  // namespace penstock::artifacts
