// What a step hands on: outputs, results, fingerprints, and what is refused of them.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/base/file.h"

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

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

}  // namespace
}  // namespace penstock::launcher
