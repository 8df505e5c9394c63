#include "operator/base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace penstock {
namespace {

class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string name = ::testing::TempDir() + "penstock-file-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~FileTest() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileTest, AnAtomicWriteReplacesTheFileAndLeavesNothingElse) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a" / "b", "old"));
  ASSERT_TRUE(WriteFileAtomically(folder_ / "a" / "b", "new"));
  EXPECT_EQ(ReadFile(folder_ / "a" / "b").value(), "new");
  int files = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(folder_ / "a")) ++files;
  EXPECT_EQ(files, 1);
}

TEST_F(FileTest, AMissingFileIsNotFoundAndNamed) {
  const auto r = ReadFile(folder_ / "nothing");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(r.error().message.find("nothing"), std::string::npos);
}

TEST_F(FileTest, AFileOverTheLimitIsRefused) {
  ASSERT_TRUE(WriteFileAtomically(folder_ / "big", std::string(100, 'x')));
  const auto r = ReadFile(folder_ / "big", 99);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, ErrorKind::kInvalid);
}

TEST(FromErrno, AFullDiskMayGoAwayAndIsNamed) {
  const Error e = FromErrno("writing x", ENOSPC);
  EXPECT_EQ(e.kind, ErrorKind::kNoSpace);
  EXPECT_TRUE(PassesByItself(e.kind));
}

}  // namespace
}  // namespace penstock
