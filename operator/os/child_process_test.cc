#include "operator/os/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
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
  child->KillAll();
  // The orphan is its new parent's to reap; killed, it holds no command line any more.
  std::string command = "sleep";  // the test's own time-out is the limit of this wait
  while (kill(left, 0) == 0 && !command.empty()) {
    const Result<std::string> text = ReadFile("/proc/" + std::to_string(left) + "/cmdline");
    command = text ? *text : "";
  }
  EXPECT_NE(kill(left, 0) == 0 ? command : "", "sleep");
}

TEST_F(ChildProcessTest, AnEndedChildKeepsItsNumberUntilItIsDestroyed) {
  int pid = 0;
  {
    Result<ChildProcess> child = Start({"true"});
    ASSERT_TRUE(child);
    pid = child->pid();
    ASSERT_TRUE(child->Wait(std::nullopt));
    EXPECT_EQ(kill(pid, 0), 0) << "its number, its session's and its group's, may be another's";
    child->KillAll();
    EXPECT_FALSE(child->Wait(std::nullopt)) << "its exit was told twice";
    const ChildProcess moved = *std::move(child);
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1) << "it was not reaped";
}

TEST_F(ChildProcessTest, GivesAChildInAGroupOfItsOwnTheStreamsItIsGiven) {
  ChildOptions options;
  options.argv = {"sh", "-c", "[ $(ps -o pgid= -p $$) = $$ ] && pwd && echo problem >&2"};
  options.environment = {"PATH=/usr/bin:/bin"};
  options.directory = folder_;
  options.group = ChildGroup::kGroup;
  const Fd out(open((folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const Fd err(open((folder_ / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  options.output = out.get();
  options.error = err.get();
  Result<ChildProcess> child = ChildProcess::Start(options);
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(child->Wait(std::nullopt)->ExitCode(), 0);
  EXPECT_FALSE(child->Wait(std::nullopt));  // its exit has been told
  EXPECT_EQ(*ReadFile(folder_ / "out"), folder_.string() + "\n");
  EXPECT_EQ(*ReadFile(folder_ / "err"), "problem\n");
}

TEST_F(ChildProcessTest, TellsWhatKeptAChildFromStarting) {
  StartFailure failure;
  ChildOptions options{{"true"}, {"PATH=/usr/bin:/bin"}, folder_ / "missing"};
  EXPECT_FALSE(ChildProcess::Start(options, &failure));
  EXPECT_EQ(failure.stage, StartFailure::kDirectory);
  EXPECT_EQ(failure.error_number, ENOENT);
  options = {{"no-such-program"}, {"PATH=/usr/bin:/bin"}};
  EXPECT_FALSE(ChildProcess::Start(options, &failure));
  EXPECT_EQ(failure.stage, StartFailure::kExec);
}

TEST_F(ChildProcessTest, LooksUpAProgramAsAShellDoes) {
  const std::string folder = folder_.string();
  std::ofstream(folder_ / "plain") << "text";
  EXPECT_EQ(LookUpProgram("sh", folder + ":/bin").file, "/bin/sh");
  EXPECT_EQ(LookUpProgram("plain", folder + ":/bin").error_number, EACCES);
  EXPECT_EQ(LookUpProgram("plain", folder + ":/bin").file, folder_ / "plain");
  EXPECT_EQ(LookUpProgram("absent", folder + ":/bin").error_number, ENOENT);
  EXPECT_EQ(LookUpProgram("./plain", "", folder_).error_number, EACCES);
  EXPECT_EQ(FindProgram("plain", folder), std::nullopt);
  EXPECT_EQ(FindProgram("a/b", folder), "a/b");
}

}  // namespace
}  // namespace penstock
