#include "components/launcher/testing/launcher_fixture.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::launcher {
namespace fs = std::filesystem;

Process::Process(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                 const fs::path& output) {
  fs::remove(output);
  ChildOptions options{argv, env};
  options.log = output;
  options.group = ChildGroup::kOurs;
  auto child = ChildProcess::Start(options);
  if (child) child_.emplace(*std::move(child));
}

void Process::Signal(int signal) const { ::kill(child_->pid(), signal); }

int Process::Wait() {
  if (!child_) return -1;
  auto exit = child_->Wait(std::chrono::minutes(1));
  if (!exit) child_->KillAll();
  while (!exit) exit = child_->Wait(std::nullopt);
  return exit->ExitCode();
}

bool AwaitFile(const fs::path& file, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  // The folder may itself come later: watch the nearest one that exists, then look again.
  while (!fs::exists(file)) {
    fs::path folder = file.parent_path();
    while (!fs::exists(folder)) folder = folder.parent_path();
    const int fd = ::inotify_init1(IN_CLOEXEC);
    ::inotify_add_watch(fd, folder.c_str(), IN_CREATE | IN_MOVED_TO);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd poll_fd{fd, POLLIN, 0};
    const bool there = fs::exists(file);
    if (!there && left.count() > 0)
      ::poll(&poll_fd, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 200)));
    ::close(fd);
    if (left.count() <= 0) return fs::exists(file);
  }
  return true;
}

void LauncherTest::SetUp() {
  dir_ = fs::path(testing::TempDir()) /
         (std::string("launcher_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  ASSERT_TRUE(artifacts::RemoveTree(dir_));
  fs::create_directories(dir_ / "in");
  store_ = artifacts::Store(dir_ / "store");
}

void LauncherTest::TearDown() { ASSERT_TRUE(artifacts::RemoveTree(dir_)); }

TaskDocument LauncherTest::Script(const std::string& script) const {
  TaskDocument t;
  t.namespace_ = "ns";
  t.run = "flights-1";
  t.run_uid = "uid-1";
  t.step = "train";
  t.pod = "flights-1-train-0-1-abcdef01";
  t.command = {"sh", "-c", script};
  t.grace_ms = 10'000;
  t.store.folder = (dir_ / "store").string();
  return t;
}

void LauncherTest::WriteTask(const TaskDocument& task) const {
  std::ofstream(dir_ / "task.json") << Json(task).dump();
}

std::vector<std::string> LauncherTest::RunArgs() const {
  return {PENSTOCK_LAUNCHER,
          "run",
          "--task",
          dir_ / "task.json",
          "--dir",
          dir_ / "work",
          "--termination-log",
          dir_ / "message",
          "--store-deadline-ms",
          "2000"};
}

TerminationMessage LauncherTest::Run(const TaskDocument& task) {
  WriteTask(task);
  fs::remove(dir_ / "message");
  Process process(RunArgs(), env_, dir_ / "output");
  exit_code_ = process.Wait();
  return Message();
}

TerminationMessage LauncherTest::Message() const {
  const std::string text = Read(dir_ / "message");
  auto message = ParseTerminationMessage(text);
  EXPECT_TRUE(message) << text << " output: " << Read(dir_ / "output");
  if (!message) return {};
  EXPECT_EQ(exit_code_ < 0 ? LauncherExitCode(*message) : exit_code_, LauncherExitCode(*message));
  return *message;
}

std::string LauncherTest::Read(const fs::path& path) const {
  return ReadFile(path).value_or("(absent)");
}

}  // namespace penstock::launcher
