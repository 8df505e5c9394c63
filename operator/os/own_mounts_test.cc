#include "operator/os/own_mounts.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "operator/base/file.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

class OwnMountsTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "config");
    fs::create_directories(folder_ / "there");
    std::ofstream(folder_ / "config" / "msg") << "hello";
    std::ofstream(folder_ / "there" / "old") << "old";
    if (InChild({}, [] { return true; }) == kNoNameSpace)
      GTEST_SKIP() << "this machine gives no mount name space";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static constexpr int kGood = 0, kBad = 1, kNoNameSpace = 2;

  // What `look` says in a process that has entered the mounts.
  static int InChild(std::vector<OwnMount> mounts, const std::function<bool()>& look) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const auto entered = EnterOwnMounts(std::move(mounts));
      if (!entered) std::fprintf(stderr, "%s\n", entered.error().message.c_str());
      ::_exit(!entered ? kNoNameSpace : look() ? kGood : kBad);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("mounts-" + std::to_string(getpid()));
};

TEST_F(OwnMountsTest, ShowsAFolderAtAPathThatTheMachineDoesNotHave) {
  const std::string source = (folder_ / "config").string();
  const int end = InChild({{source, "/no-such-place/here", true}}, [&] {
    std::ofstream("/no-such-place/here/new") << "x";
    return ReadFile("/no-such-place/here/msg").value_or("") == "hello" &&
           !fs::exists("/no-such-place/here/new") && fs::exists("/usr/bin") &&
           ReadFile(folder_ / "config" / "msg").value_or("") == "hello";
  });
  EXPECT_EQ(end, kGood);
  EXPECT_FALSE(fs::exists("/no-such-place"));
}

TEST_F(OwnMountsTest, AddsAPathBesideWhatAFolderOfTheMachineHolds) {
  const std::string source = (folder_ / "config").string();
  const std::string target = (folder_ / "there" / "new").string();
  const int end = InChild({{source, target, false}}, [&] {
    std::ofstream(target + "/written") << "x";
    return ReadFile(target + "/msg").value_or("") == "hello" &&
           ReadFile(folder_ / "there" / "old").value_or("") == "old";
  });
  EXPECT_EQ(end, kGood);
  EXPECT_FALSE(fs::exists(target));
  EXPECT_EQ(ReadFile(folder_ / "config" / "written").value_or(""), "x")
      << "it is the source itself";
}

TEST_F(OwnMountsTest, CoversAFolderOfTheMachineForItselfAlone) {
  const std::string there = (folder_ / "there").string();
  const int end =
      InChild({{(folder_ / "config").string(), there, false},
               {(folder_ / "config" / "msg").string(), there + "/msg", true}},
              [&] { return !fs::exists(there + "/old") && fs::exists(there + "/msg"); });
  EXPECT_EQ(end, kGood);
  EXPECT_TRUE(fs::exists(there + "/old"));
}

TEST_F(OwnMountsTest, StaysInItsFolderAndKeepsItsUser) {
  const fs::path before = fs::current_path();
  const auto user = ::getuid();
  EXPECT_EQ(InChild({{(folder_ / "config").string(), "/no-such-place", true}},
                    [&] { return fs::current_path() == before && ::getuid() == user; }),
            kGood);
}

}  // namespace
}  // namespace penstock
