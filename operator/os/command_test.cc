#include "operator/os/command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

namespace penstock {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

ChildOptions Shell(const std::string& script) {
  ChildOptions options;
  options.argv = {"sh", "-c", script};
  options.environment = {"PATH=/usr/bin:/bin"};
  options.group = ChildGroup::kOurs;
  return options;
}

TEST(RunCommand, KeepsBothStreamsApart) {
  const auto end = RunCommand(Shell("echo fine; echo wrong >&2; exit 3"), {});
  ASSERT_TRUE(end);
  ASSERT_TRUE(end->exit);
  EXPECT_EQ(end->exit->code, 3);
  EXPECT_EQ(end->output, "fine\n");
  EXPECT_EQ(end->error, "wrong\n");
}

TEST(RunCommand, DropsWhatIsOverItsLimitAndDoesNotBlockTheChild) {
  const auto end = RunCommand(Shell("head -c 3000000 /dev/zero; echo done >&2"),
                              {.time = seconds(60), .bytes = 5});
  ASSERT_TRUE(end && end->exit);
  EXPECT_EQ(end->output, std::string(5, '\0'));
  EXPECT_EQ(end->error, "done\n");
}

TEST(RunCommand, EndsWithTheCommandThoughItsOrphanHoldsTheStreams) {
  const auto end = RunCommand(Shell("sleep 60 & echo $!"), {.time = seconds(50)});
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->exit);
  kill(std::stoi(end->output), SIGKILL);
}

TEST(RunCommand, KillsWhatRunsOutOfTime) {
  const auto end = RunCommand(Shell("echo begun; exec sleep 60"), {.time = milliseconds(300)});
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->exit);
  EXPECT_EQ(end->output, "begun\n");
}

TEST(RunCommand, KillsWhatIsStoppedBeforeItAndWhileItRuns) {
  std::stop_source stop;
  const auto begun = fs::path(testing::TempDir()) / ("begun-" + std::to_string(getpid()));
  std::thread stopper([&] {
    const auto patience = Clock::now() + seconds(30);
    while (!fs::exists(begun) && Clock::now() < patience) std::this_thread::yield();
    stop.request_stop();
  });
  const auto end = RunCommand(Shell("echo > " + begun.string() + "; exec sleep 60"),
                              {.time = seconds(60), .stop = stop.get_token()});
  stopper.join();
  fs::remove(begun);
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->exit);
  EXPECT_EQ(AskCommand({"sleep", "60"}, seconds(60), stop.get_token()).error().kind,
            ErrorKind::kCancelled);
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
