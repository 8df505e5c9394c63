#include "operator/os/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "operator/base/file.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

class ChildProcessTest : public testing::Test {
 protected:
  ChildProcessTest() { fs::create_directories(folder_); }
  ~ChildProcessTest() override { fs::remove_all(folder_); }

  Result<ChildProcess> Start(std::vector<std::string> argv) {
    return ChildProcess::Start(
        {std::move(argv), {"PATH=/usr/bin:/bin", "WORD=hello"}, folder_, folder_ / "log"});
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("child-" + std::to_string(getpid()));
};

TEST_F(ChildProcessTest, GivesCodeAndOutputAndOnlyTheEnvironmentItWasGiven) {
  Result<ChildProcess> child = Start({"sh", "-c", "echo $WORD $HOME; echo problem >&2; exit 3"});
  ASSERT_TRUE(child) << child.error().message;
  const auto exit = child->Wait(std::nullopt);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->ExitCode(), 3);
  EXPECT_EQ(*ReadFile(folder_ / "log"), "hello\nproblem\n");
}

TEST_F(ChildProcessTest, ReportsASignalAs128AndItsNumber) {
  Result<ChildProcess> child = Start({"sh", "-c", "kill -9 $$"});
  ASSERT_TRUE(child);
  EXPECT_EQ(child->Wait(std::nullopt)->ExitCode(), 137);
}

TEST_F(ChildProcessTest, NamesAProgramThatIsNotThere) {
  const Result<ChildProcess> missing = Start({"no-such-program"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(missing.error().message.find("no-such-program"), std::string::npos);
  const Result<ChildProcess> unreadable = Start({"/dev/null"});
  ASSERT_FALSE(unreadable);
  EXPECT_NE(unreadable.error().message.find("/dev/null"), std::string::npos);
}

TEST_F(ChildProcessTest, AWaitEndsByAWakeUp) {
  Result<ChildProcess> child = Start({"sleep", "60"});
  ASSERT_TRUE(child);
  child->Wake();
  EXPECT_FALSE(child->Wait(std::nullopt));
  child->Terminate();
  EXPECT_EQ(child->Wait(std::nullopt)->ExitCode(), 128 + SIGTERM);
}

TEST_F(ChildProcessTest, KillsWhatTheChildLeftBehindInItsSession) {
  // The grandchild is in a process group of its own and ignores SIGTERM, as a shell's job may.
  Result<ChildProcess> child =
      Start({"bash", "-c",
             "set -m; bash -c 'trap \"\" TERM; echo $$ > left; exec sleep 60' & "
             "while [ ! -s left ]; do :; done"});
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->Wait(std::nullopt));
  const int left = std::stoi(*ReadFile(folder_ / "left"));
  ASSERT_EQ(kill(left, 0), 0);
  child->KillSession();
  // The orphan is its new parent's to reap; killed, it holds no command line any more.
  std::string command = "sleep";  // the test's own time-out is the limit of this wait
  while (kill(left, 0) == 0 && !command.empty()) {
    const Result<std::string> text = ReadFile("/proc/" + std::to_string(left) + "/cmdline");
    command = text ? *text : "";
  }
  EXPECT_NE(kill(left, 0) == 0 ? command : "", "sleep");
}

TEST(AskCommand, GivesOutputAndNamesTheLastLineOfAFailure) {
  EXPECT_EQ(*AskCommand({"echo", "fine"}, milliseconds(10'000)), "fine\n");
  const Result<std::string> failed =
      AskCommand({"sh", "-c", "echo first; echo why >&2; exit 2"}, milliseconds(10'000));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("2: why"), std::string::npos) << failed.error().message;
  EXPECT_EQ(AskCommand({"sleep", "60"}, milliseconds(1)).error().kind, ErrorKind::kTransient);
}

}  // namespace
}  // namespace penstock
