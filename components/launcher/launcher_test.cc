// The real program, from the task to the message.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;
using testing::Test;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(LauncherTest, HandsOnOutputsResultsAndAReceipt) {
  std::ofstream(dir_ / "in" / "a.csv") << "1,2\n";
  TaskDocument t =
      Script("cp -r \"$0\" \"$1\"; printf 'AA\\n' > \"$2\"; printf 0.5 > $PENSTOCK_RESULTS/auc");
  t.command.insert(t.command.end(),
                   {"$(inputs.data.path)", "$(outputs.copy.path)", "$(results.worst.path)"});
  t.inputs = {{"data", "dataset", store_.Put("ns", dir_ / "in").value(), "", ""}};
  t.outputs = {{"copy", "dataset"}, {"extra", "file", true}};
  t.results = {{"worst", "string"}, {"auc", "number"}};
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  ASSERT_TRUE(m.receipt);
  EXPECT_EQ(m.receipt->results, (Json{{"worst", "AA"}, {"auc", 0.5}}));
  ASSERT_EQ(m.receipt->outputs.size(), 1u);
  EXPECT_EQ(m.receipt->outputs[0].artifact, *t.inputs[0].artifact) << "a copy has another digest";
  EXPECT_GE(m.receipt->finished_ms, m.receipt->started_ms);
  EXPECT_GT(m.receipt->started_ms, 0);
  auto stored = store_.GetReceipt("ns", t.run_uid, t.pod);
  ASSERT_TRUE(stored);
  EXPECT_EQ(Json(*stored), Json(*m.receipt));
  EXPECT_TRUE(store_.Exists("ns", m.receipt->outputs[0].artifact).value());
}

TEST_F(LauncherTest, KeepsHostileValuesData) {
  TaskDocument t = Script(
      "printf '%s|' \"$0\" \"$1\" \"$2\" \"$ENV\" \"$POD_VARIABLE\"; cat "
      "$PENSTOCK_DIR/parameters/b");
  t.command.insert(t.command.end(),
                   {"$(parameters.a)", "$(parameters.b)", "$$(run.name) $(parameters.c)"});
  t.env = {{"ENV", "x $(parameters.b) $(run.name)"}};
  const std::string pwned = "'; touch " + (dir_ / "pwned").string() + "; '";
  t.parameters = {{"a", pwned}, {"b", "$(DB_PASSWORD)$(parameters.a)"}, {"c", {1, 2.0, "x"}}};
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), pwned +
                                       "|$(DB_PASSWORD)$(parameters.a)|$(run.name) [1,2,\"x\"]|"
                                       "x $(DB_PASSWORD)$(parameters.a) flights-1|from pod|"
                                       "$(DB_PASSWORD)$(parameters.a)");
  EXPECT_FALSE(fs::exists(dir_ / "pwned"));
  EXPECT_EQ(Json::parse(Read(Work("parameters.json"))), t.parameters);
}

TEST_F(LauncherTest, GivesALargeParameterAsAFileOnly) {
  TaskDocument t = Script("wc -c < $0");
  t.command.push_back("$(parameters.big.path)");
  t.parameters = {{"big", std::string(200 * 1024, 'x')}};
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), std::to_string(200 * 1024) + "\n");

  t.command.back() = "$(parameters.big)";
  auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "command[3]") && Has(m.message, "$(parameters.x.path)")) << m.message;

  t.command.pop_back();
  t.env = {{"BIG", "$(parameters.big)"}};
  m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "env BIG")) << m.message;
}

TEST_F(LauncherTest, LaysTheConfigOverTheTask) {
  TaskDocument t = Script("exit 9");
  t.parameters = {{"small", 1}, {"replaced", "old"}};
  WriteTask(t);
  std::ofstream(dir_ / "config.json")
      << Json{{"parameters", {{"big", std::string(100'000, 'y')}, {"replaced", "new"}}},
              {"command", {"sh", "-c", "cat $PENSTOCK_PARAMETERS"}}};
  auto args = RunArgs();
  args.insert(args.end(), {"--task-config", dir_ / "config.json"});
  Process process(args, env_, dir_ / "output");
  ASSERT_EQ(process.Wait(), 0) << Read(dir_ / "message");
  const Json seen = Json::parse(Read(dir_ / "output"));
  EXPECT_EQ(seen["small"], 1);
  EXPECT_EQ(seen["replaced"], "new");
  EXPECT_EQ(seen["big"].get<std::string>().size(), 100'000u);
}

TEST_F(LauncherTest, PassesTheChildsExitCodeOn) {
  const auto m = Run(Script("exit 3"));
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(exit_code_, 3);
  EXPECT_EQ(m.message, "sh exited with code 3");
  EXPECT_FALSE(m.oom_killed);
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

TEST_F(LauncherTest, NamesAnOutputThatWasNotWritten) {
  TaskDocument t = Script("true");
  t.outputs = {{"model", "model"}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(exit_code_, 1);
  EXPECT_TRUE(Has(m.message, "'model'") && Has(m.message, Work("outputs/model"))) << m.message;
  EXPECT_FALSE(store_.GetReceipt("ns", t.run_uid, t.pod));
}

TEST_F(LauncherTest, RefusesALinkInAnOutputByName) {
  TaskDocument t = Script("mkdir $0; ln -s /etc/passwd $0/stolen");
  t.command.push_back("$(outputs.o.path)");
  t.outputs = {{"o", "file"}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_TRUE(Has(m.message, "stolen is a symbolic link")) << m.message;
}

struct HostileResult {
  const char* script;
  const char* type;
  const char* says;
};
class LauncherHostileResult : public LauncherTest,
                              public testing::WithParamInterface<HostileResult> {
  void SetUp() override {
    LauncherTest::SetUp();
    dir_ += "_" + std::to_string(reinterpret_cast<std::uintptr_t>(GetParam().says) % 100'000);
    fs::create_directories(dir_);
  }
};

TEST_P(LauncherHostileResult, FailsTheStepWithAClearMessage) {
  TaskDocument t = Script(GetParam().script);
  t.command.push_back("$(results.r.path)");
  t.results = {{"r", GetParam().type}};
  const auto start = std::chrono::steady_clock::now();
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_TRUE(Has(m.message, "result 'r'") && Has(m.message, GetParam().says)) << m.message;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(
    All, LauncherHostileResult,
    testing::Values(HostileResult{"true", "string", "was not written"},
                    HostileResult{"truncate -s 1G $0", "string", "1073741824 bytes"},
                    HostileResult{"mkfifo $0", "string", "no regular file"},
                    HostileResult{"ln -s /dev/zero $0", "string", "is no regular file"},
                    HostileResult{"mkdir $0", "string", "results/r is no regular"},
                    HostileResult{"printf 'a\\0b' > $0", "string", "NUL"},
                    HostileResult{"printf '\\377' > $0", "string", "UTF-8"},
                    HostileResult{"printf '\\377' > $0", "number", "not JSON"},
                    HostileResult{"echo 1.5 > $0", "integer", "no integer"},
                    HostileResult{"echo 1e999 > $0", "number", "is not JSON"},
                    HostileResult{"echo '\"5\"' > $0", "number", "which is no number"},
                    HostileResult{"echo True > $0", "boolean",
                                  "is not JSON: it holds 'True'; write true or false, in small"},
                    HostileResult{"echo nan > $0", "number", "JSON has no nan and no infinity"},
                    HostileResult{"echo -inf > $0", "number", "JSON has no nan and no infinity; "},
                    HostileResult{"echo '[1, NaN]' > $0", "list", "JSON has no nan"},
                    HostileResult{"echo 0012 > $0", "integer", "digits without zeros in front"},
                    HostileResult{"echo \"{'a': 1}\" > $0", "object", "write JSON, as {\"a\": 1}"},
                    HostileResult{"echo 12345678901234567890 > $0", "integer",
                                  "12345678901234567890 is a whole number that would be rounded"},
                    HostileResult{"head -c 2000 /dev/zero | tr '\\0' '[' > $0", "list", "deeper"}));

TEST_F(LauncherTest, LimitsTheResultsTogether) {
  TaskDocument t = Script(
      "for i in 0 1 2 3 4 5 6 7 8 9; do head -c 8000 /dev/zero | tr '\\0' x > "
      "$PENSTOCK_RESULTS/r$i; done");
  for (int i = 0; i < 10; ++i) t.results.push_back({"r" + std::to_string(i), "string"});
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_TRUE(Has(m.message, "64 KiB")) << m.message;
}

TEST_F(LauncherTest, LeavesAReceiptThatIsTooLargeToTheStore) {
  TaskDocument t = Script("head -c 8000 /dev/zero | tr '\\0' x > $0");
  t.command.push_back("$(results.r.path)");
  t.results = {{"r", "string"}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kSucceeded);
  EXPECT_FALSE(m.receipt);
  EXPECT_LE(Read(dir_ / "message").size(), kMaxTerminationMessage);
  EXPECT_EQ(store_.GetReceipt("ns", t.run_uid, t.pod)->results["r"].get<std::string>().size(),
            8000u);
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

TEST_F(LauncherTest, GivesInputsReadOnlyAndUrisAsTheyAre) {
  std::ofstream(dir_ / "in" / "a.csv") << "1";
  TaskDocument t = Script("stat -c %a $0; stat -c %a $0/a.csv; echo $1; cat $PENSTOCK_INPUTS");
  t.command.insert(t.command.end(), {"$(inputs.data.path)", "$(inputs.source.uri)"});
  t.inputs = {{"data", "dataset", store_.Put("ns", dir_ / "in").value(), "", ""},
              {"source", "", std::nullopt, "https://x.org/f.csv", "etag-1"}};
  auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  const std::string out = Read(dir_ / "output");
  EXPECT_EQ(out.substr(0, out.find('{')), "555\n444\nhttps://x.org/f.csv\n");
  const Json inputs = Json::parse(out.substr(out.find('{')));
  EXPECT_EQ(inputs["data"]["path"], Work("inputs/data").string());
  EXPECT_EQ(inputs["data"]["digest"], t.inputs[0].artifact->digest);
  EXPECT_EQ(inputs["source"],
            (Json{{"uri", "https://x.org/f.csv"}, {"type", ""}, {"fingerprint", "etag-1"}}));
  EXPECT_EQ(m.receipt->input_fingerprints.at("source"), "etag-1");
}

TEST_F(LauncherTest, RecordsTheFingerprintThatTheChildSaw) {
  TaskDocument t = Script("echo sha256:abc > $PENSTOCK_FINGERPRINTS/source");
  t.inputs = {{"source", "", std::nullopt, "file:///data/x", ""}};
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(m.receipt->input_fingerprints.at("source"), "sha256:abc");
}

TEST_F(LauncherTest, RecordsWhyTheChildsOutputsAreNotToBeReused) {
  EXPECT_EQ(Run(Script("true")).receipt->not_reusable, "");
  const TaskDocument t = Script("echo it reads the clock > $PENSTOCK_NOT_REUSABLE");
  const auto m = Run(t);
  ASSERT_EQ(m.outcome, TaskOutcome::kSucceeded) << m.message;
  EXPECT_EQ(m.receipt->not_reusable, "it reads the clock");
  EXPECT_EQ(store_.GetReceipt("ns", t.run_uid, t.pod)->not_reusable, "it reads the clock");
  EXPECT_EQ(Run(Script("true")).receipt->not_reusable, "") << "of the attempt before";
}

TEST_F(LauncherTest, AReasonNotToReuseThatSaysNothingIsTheChildsFault) {
  const auto m = Run(Script("touch $PENSTOCK_NOT_REUSABLE"));
  EXPECT_EQ(m.outcome, TaskOutcome::kFailed);
  EXPECT_NE(m.message.find("/work/not-reusable is empty; write the reason"), std::string::npos)
      << m.message;
}

TEST_F(LauncherTest, ReportsADamagedAndAMissingInputByDigest) {
  std::ofstream(dir_ / "in" / "a.csv") << "1,2,3";
  TaskDocument t = Script("true");
  t.inputs = {{"data", "file", store_.Put("ns", dir_ / "in" / "a.csv").value(), "", ""}};
  const auto blob = store_.BlobPath("ns", t.inputs[0].artifact->digest).value();
  ::chmod(blob.c_str(), 0644);
  std::ofstream(blob) << "1,2,4";
  auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure);
  EXPECT_EQ(m.damaged, t.inputs[0].artifact->digest);
  EXPECT_TRUE(Has(m.message, "input 'data'") && Has(m.message, "damaged")) << m.message;
  m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInfrastructure) << "the damaged blob was set aside";
  EXPECT_EQ(m.damaged, t.inputs[0].artifact->digest);
}

TEST_F(LauncherTest, UnpacksCodeAndStartsItInItsFolder) {
  std::ofstream(dir_ / "in" / "main.sh") << "#!/bin/sh\npwd\n";
  ::chmod((dir_ / "in" / "main.sh").c_str(), 0755);
  TaskDocument t = Script("");
  t.code = store_.Put("ns", dir_ / "in").value();
  t.command = {"$(code.path)/main.sh"};
  t.working_dir = "$(code.path)";
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), fs::canonical(Work("code")).string() + "\n");
}

TEST_F(LauncherTest, RunsTheCodeThatIsEditedInPlaceOfTheTasks) {
  std::ofstream(dir_ / "in" / "main.sh") << "echo as it ran\n";
  TaskDocument t = Script("");
  t.code = store_.Put("ns", dir_ / "in").value();
  t.command = {"sh", "$(code.path)/main.sh"};
  WriteTask(t);
  fs::create_directories(dir_ / "edited");
  std::ofstream(dir_ / "edited" / "main.sh") << "echo edited\n";
  auto args = RunArgs();
  args.insert(args.end(), {"--code", (dir_ / "edited").string()});
  EXPECT_EQ(Process(args, env_, dir_ / "output").Wait(), 0);
  EXPECT_EQ(Read(dir_ / "output"), "edited\n");
  EXPECT_FALSE(fs::exists(Work("code")));
}

TEST_F(LauncherTest, SetsThreadCountsUnlessTheUserDid) {
  env_.push_back("MKL_NUM_THREADS=7");
  TaskDocument t = Script("echo $OMP_NUM_THREADS $MKL_NUM_THREADS $OPENBLAS_NUM_THREADS");
  t.env = {{"OPENBLAS_NUM_THREADS", "5"}};
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  int omp = 0;
  ASSERT_EQ(std::sscanf(Read(dir_ / "output").c_str(), "%d 7 5", &omp), 1) << Read(dir_ / "output");
  EXPECT_GE(omp, 1);
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

TEST_F(LauncherTest, RefusesATaskThatItCannotRead) {
  std::ofstream(dir_ / "task.json") << R"({"protocol": 99, "command": ["true"]})";
  Process process(RunArgs(), env_, dir_ / "output");
  exit_code_ = process.Wait();
  EXPECT_EQ(exit_code_, 126);
  EXPECT_TRUE(Has(Message().message, "protocol")) << Message().message;
  TaskDocument t = Script("true");
  t.outputs = {{"../escape", "file"}};
  EXPECT_TRUE(Has(Run(t).message, "no name"));
}

TEST_F(LauncherTest, RunsAsAnyUserAndTwiceInOneFolder) {
  TaskDocument t = Script("id -u; echo x > $0");
  t.command.push_back("$(outputs.o.path)");
  t.outputs = {{"o", "file"}};
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Run(t).outcome, TaskOutcome::kSucceeded) << "an earlier attempt's folder is in the way";
}

TEST_F(LauncherTest, InstallsItself) {
  fs::create_directories(dir_ / "bin");
  Process process({PENSTOCK_LAUNCHER, "install", dir_ / "bin" / "launch"}, env_, dir_ / "output");
  ASSERT_EQ(process.Wait(), 0) << Read(dir_ / "output");
  struct stat st {};
  ASSERT_EQ(::stat((dir_ / "bin" / "launch").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0755u);
  Process version({dir_ / "bin" / "launch", "--version"}, env_, dir_ / "output");
  EXPECT_EQ(version.Wait(), 0);
}

TEST_F(LauncherTest, FetchesAnArtifactOverAnOlderOne) {
  std::ofstream(dir_ / "in" / "model.ts") << "m";
  const auto ref = store_.Put("ns", dir_ / "in").value();
  for (int round = 0; round < 2; ++round) {
    Process process({PENSTOCK_LAUNCHER, "fetch", "--store-folder", dir_ / "store", "--namespace",
                     "ns", "--digest", ref.digest, "--folder", "--to", dir_ / "model"},
                    env_, dir_ / "output");
    ASSERT_EQ(process.Wait(), 0) << Read(dir_ / "output");
    EXPECT_EQ(Read(dir_ / "model" / "model.ts"), "m");
  }
  std::ofstream(dir_ / "store.json") << R"({"folder": ")" << (dir_ / "store").string() << R"("})";
  Process told({PENSTOCK_LAUNCHER, "fetch", "--task-store", dir_ / "store.json", "--namespace",
                "ns", "--digest", ref.digest, "--folder", "--to", dir_ / "told"},
               env_, dir_ / "output");
  ASSERT_EQ(told.Wait(), 0) << Read(dir_ / "output");
  EXPECT_EQ(Read(dir_ / "told" / "model.ts"), "m");
  Process missing({PENSTOCK_LAUNCHER, "fetch", "--store-folder", dir_ / "store", "--namespace",
                   "ns", "--digest", "sha256:" + std::string(64, '0'), "--to", dir_ / "other"},
                  env_, dir_ / "output");
  EXPECT_EQ(missing.Wait(), 125);
}

}  // namespace
}  // namespace penstock::launcher
