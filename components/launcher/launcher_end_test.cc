// How the program that the launcher runs ends, by itself or not, and what is said of it.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

TEST_F(LauncherTest, PassesTheChildsExitCodeOn) {
  const auto m = Run(Script("exit 3"));
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(exit_code_, 3);
  EXPECT_EQ(m.message, "sh exited with code 3");
  EXPECT_FALSE(m.oom_killed);
}

TEST_F(LauncherTest, PassesOnTheResultsThatAFailedChildHadWritten) {
  TaskDocument t =
      Script("printf 3 > $PENSTOCK_RESULTS/rows; printf x > $PENSTOCK_RESULTS/ratio; exit 7");
  t.results = {{"rows", "integer"}, {"ratio", "number"}, {"absent", "string"}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(m.results, Json({{"rows", 3}})) << "what is no number is left out";
}

TEST_F(LauncherTest, KeepsAsManyResultsOfAFailureAsItsMessageHolds) {
  TaskDocument t = Script(
      "head -c 1900 /dev/zero | tr '\\0' x > $PENSTOCK_RESULTS/a; cp $PENSTOCK_RESULTS/a "
      "$PENSTOCK_RESULTS/b; printf 1 > $PENSTOCK_RESULTS/c; head -c 3000 /dev/zero | tr '\\0' y "
      ">&2; exit 1");
  t.results = {{"a", "string"}, {"b", "string"}, {"c", "integer"}};
  const auto m = Run(t);
  EXPECT_EQ(m.results.size(), 2u);
  EXPECT_EQ(m.results.at("c"), 1);
  EXPECT_FALSE(m.last_words.empty());
  EXPECT_EQ(m.message,
            "sh exited with code 1; of a failure 2048 bytes of results are kept, without b");
}

TEST_F(LauncherTest, KeepsTheChildsLastWordsAndPassesThemOn) {
  const auto m =
      Run(Script("echo fine; printf 'first\\nKeyError: \\033[31m\\377price\\n' >&2; exit 3"));
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(m.last_words, "first KeyError:  [31m?price");
  EXPECT_TRUE(Has(Read(dir_ / "output"), "KeyError: \033[31m\377price\n"));
}

TEST_F(LauncherTest, KeepsTheEndOfManyWordsWithinTheMessagesBound) {
  const auto m =
      Run(Script("i=0; while [ $i -lt 20000 ]; do echo \"\u00e9\u00e9\u00e9 line $i\" >&2; "
                 "i=$$((i+1)); done; exit 1"));
  EXPECT_LE(m.last_words.size(), kMaxLastWords);
  EXPECT_TRUE(m.last_words.ends_with("line 19999")) << m.last_words;
  EXPECT_LE(Read(dir_ / "message").size(), kMaxTerminationMessage);
  EXPECT_TRUE(Has(Read(dir_ / "output"), " line 0\n"));
}

TEST_F(LauncherTest, DoesNotWaitForWordsOfAProcessThatGotAway) {
  // Of another session and another parent: what it writes later is nobody's last word.
  const auto m = Run(Script("setsid sh -c 'sleep 30' & echo gone >&2; exit 4"));
  EXPECT_EQ(m.last_words, "gone");
}

TEST_F(LauncherTest, HasNoLastWordsOfASuccess) {
  EXPECT_EQ(Run(Script("echo warning >&2")).last_words, "");
}

// A small disk below the attempt's folder.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    mounted_ = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=512k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool is_there() const { return mounted_; }

 private:
  fs::path folder_;
  bool mounted_ = false;
};

TEST_F(LauncherTest, NamesADiskThatTheChildHasFilled) {
  const SmallDisk disk(dir_ / "work");
  if (!disk.is_there()) GTEST_SKIP() << "a mount needs root";
  const auto m = Run(Script("head -c 2000000 /dev/zero > $TMPDIR/x"));
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_TRUE(m.no_space);
  EXPECT_TRUE(Has(m.message, "is full")) << m.message;
  EXPECT_TRUE(Has(m.last_words, "No space left")) << m.last_words;
}

TEST_F(LauncherTest, NamesADiskThatHasNoRoomForTheTask) {
  const SmallDisk disk(dir_ / "work");
  if (!disk.is_there()) GTEST_SKIP() << "a mount needs root";
  TaskDocument t = Script("true");
  t.parameters = {{"big", std::string(700 * 1024, 'x')}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(m.no_space) << m.message;
}

TEST_F(LauncherTest, NamesTheSignalThatKilledTheChild) {
  const auto m = Run(Script("kill -SEGV $$"));
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(m.exit_code, 139);
  EXPECT_TRUE(Has(m.message, "signal 11")) << m.message;
}

TEST_F(LauncherTest, NamesAMissingProgramAndThePath) {
  TaskDocument t = Script("");
  t.command = {"no-such-program"};
  auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "no-such-program") && Has(m.message, "/usr/bin:/bin")) << m.message;
  std::ofstream(dir_ / "plain") << "x";
  t.command = {(dir_ / "plain").string()};
  m = Run(t);
  EXPECT_TRUE(Has(m.message, "is not executable")) << m.message;
  std::ofstream(dir_ / "script") << "#!/no/such/interpreter\n";
  ::chmod((dir_ / "script").c_str(), 0755);
  t.command = {(dir_ / "script").string()};
  m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "interpreter")) << m.message;
  t = Script("true");
  t.working_dir = "/no/such/folder";
  m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "workingDir /no/such/folder")) << m.message;
}

TEST_F(LauncherTest, EndsAChildAtItsTimeout) {
  TaskDocument t = Script("trap 'echo asked; exit 0' TERM; while :; do sleep 0.05; done");
  t.timeout_ms = 300;
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kTimedOut);
  EXPECT_EQ(exit_code_, 124);
  EXPECT_TRUE(Has(m.message, "300ms")) << m.message;
  EXPECT_TRUE(Has(Read(dir_ / "output"), "asked")) << "SIGTERM comes before SIGKILL";
}

TEST_F(LauncherTest, KillsAChildThatIgnoresItsTimeout) {
  TaskDocument t = Script("trap '' TERM; while :; do sleep 0.05; done");
  t.timeout_ms = 100;
  t.grace_ms = 200;
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kTimedOut);
  EXPECT_EQ(m.exit_code, 137);
}

TEST_F(LauncherTest, ForwardsSigtermAndReportsCancelled) {
  WriteTask(Script(
      "trap 'echo asked; exit 0' TERM; : > \"$TMPDIR/ready\"; while :; do sleep 0.05; done"));
  Process process(RunArgs(), env_, dir_ / "output");
  ASSERT_TRUE(AwaitFile(Work("tmp/ready"), std::chrono::seconds(20)));
  process.Signal(SIGTERM);
  exit_code_ = process.Wait();
  EXPECT_EQ(exit_code_, 143);
  EXPECT_EQ(Message().outcome, TaskOutcome::kCancelled);
  EXPECT_TRUE(Has(Read(dir_ / "output"), "asked"));
}

bool Alive(const std::string& pid_text) {
  const pid_t pid = static_cast<pid_t>(std::atoi(pid_text.c_str()));
  return pid > 0 && ::kill(pid, 0) == 0;
}

TEST_F(LauncherTest, KillsGrandchildrenThatStayBehind) {
  ASSERT_EQ(Run(Script("sleep 1000 & echo $!")).outcome, TaskOutcome::kSucceeded);
  EXPECT_FALSE(Alive(Read(dir_ / "output")));
}

TEST_F(LauncherTest, KillsGrandchildrenThatLeftTheProcessGroup) {
  ASSERT_EQ(Run(Script("setsid sh -c 'echo $$ > $TMPDIR/pid; exec sleep 1000' & while [ ! -s "
                       "$TMPDIR/pid ]; do :; done"))
                .outcome,
            TaskOutcome::kSucceeded);
  EXPECT_FALSE(Alive(Read(Work("tmp/pid"))));
}

}  // namespace
}  // namespace penstock::launcher
