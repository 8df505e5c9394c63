#include "operator/base/file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
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

TEST_F(FileTest, WhatLiesBehindAFileIsNotTakenForAbsent) {
  EXPECT_EQ(SizeOfFile(folder_ / "none").value(), std::nullopt);
  EXPECT_EQ(SizeOfFile(folder_).value(), std::nullopt) << "a folder is no file";
  ASSERT_TRUE(WriteFileAtomically(folder_ / "store", "its volume is not mounted"));
  EXPECT_EQ(SizeOfFile(folder_ / "store").value(), 25U);
  EXPECT_FALSE(SizeOfFile(folder_ / "store" / "ns" / "blob"));
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

TEST_F(FileTest, WhatAKilledProcessLeftIsNotInTheWayOfTheNextOneOfItsNumber) {
  for (int i = 0; i < 2; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto file = AtomicFile::Create(folder_ / "receipt");
      ::_exit(file ? 0 : 1);  // as if killed: nobody tidies up
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  int left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    // Nothing but randomness: no number that a container's next process has, too.
    EXPECT_EQ(name.size(), std::string("receipt.tmp-").size() + 16) << name;
    EXPECT_TRUE(IsTemporary(name)) << name;
    ++left;
  }
  EXPECT_EQ(left, 2);
}

TEST_F(FileTest, TellsATemporaryFileByItsName) {
  EXPECT_TRUE(IsTemporary("pod.tmp-0123456789abcdef"));
  EXPECT_TRUE(IsTemporary("pod.tmp-1-0")) << "of an older release";
  for (const char* other : {"receipt", "a.tmp-b.parquet", "a.tmp-", "x-tmp-12", "a.tmp-xyz"})
    EXPECT_FALSE(IsTemporary(other)) << other;
}

}  // namespace
}  // namespace penstock
