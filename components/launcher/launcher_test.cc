// Drives the real program: what it makes of a task.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/protocol/step_metrics.h"

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

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

TEST_F(LauncherTest, WhatAStepSaysOfItselfIsKeptAlsoWhenItFails) {
  TaskDocument t = Script(
      R"(printf '{"name":"loss","step":1,"value":0.5}\nrubbish\n' >> "$PENSTOCK_METRICS"; exit 3)");
  EXPECT_EQ(Run(t).outcome, TaskOutcome::kFailed);
  const auto text = store_.GetMetrics("ns", t.run_uid, t.pod);
  ASSERT_TRUE(text) << text.error().message;
  const auto metrics = StepMetrics::Parse(*text);
  ASSERT_TRUE(metrics) << *text;
  EXPECT_EQ(metrics->series().at("loss").at(0).value, 0.5);
  EXPECT_EQ(metrics->ignored(), 1U);
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

TEST_F(LauncherTest, GivesFieldsItemsAndAWordForEachItemOfAList) {
  TaskDocument t = Script("printf '%s|' \"$@\"");
  t.command.insert(
      t.command.end(),
      {"sh", "$(parameters.cfg.rows[1].name)", "$(parameters.list[*])", "$(parameters.none[*])",
       "x$(parameters.cfg[\"path\"])", "$(each.value.os)", "$(run.uid)"});
  t.parameters = {{"cfg", {{"rows", {{{"name", "a"}}, {{"name", "b"}}}}, {"path", "p"}}},
                  {"list", {"one two", 2, "$(run.name)"}}};
  t.values = Json::parse(R"({"run": {"uid": "u-1"}, "each": {"value": {"os": "linux"}}})");
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), "b|one two|2|$(run.name)|xp|linux|u-1|");
}

TEST_F(LauncherTest, AFieldThatAParameterDoesNotHaveIsTheTasksFault) {
  TaskDocument t = Script("true");
  t.command.push_back("$(parameters.cfg.b)");
  t.parameters = {{"cfg", {{"a", 1}}}};
  const auto m = Run(t);
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "command[3]: $(parameters.cfg) has no field 'b'; it has a"))
      << m.message;
}

TEST_F(LauncherTest, GivesAHomeThatMayBeWrittenWhereThereIsNone) {
  TaskDocument t = Script("mkdir -p \"$HOME/.cache\" && printf %s \"$HOME\"");
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), Work("home").string());
  env_.push_back("HOME=" + dir_.string());
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), dir_.string()) << "one that may be written stays";
  t.env = {{"HOME", "/nowhere"}};
  t.command[2] = "printf %s \"$HOME\"";
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_EQ(Read(dir_ / "output"), "/nowhere") << "the step's own word is the last";
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

TEST_F(LauncherTest, PutsPackagesInFrontOfPythonPathReadOnly) {
  std::ofstream(dir_ / "in" / "six.py") << "x = 1\n";
  TaskDocument t =
      Script("echo $PYTHONPATH; cat ${PYTHONPATH%%:*}/six.py; stat -c %a ${PYTHONPATH%%:*}/six.py");
  t.packages = store_.Put("ns", dir_ / "in").value();
  t.env = {{"PYTHONPATH", "/opt/own"}};
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded) << Message().message;
  EXPECT_EQ(Read(dir_ / "output"), Work("packages").string() + ":/opt/own\nx = 1\n444\n");
  t.env.clear();
  ASSERT_EQ(Run(t).outcome, TaskOutcome::kSucceeded);
  EXPECT_TRUE(Has(Read(dir_ / "output"), Work("packages").string() + "\n"));
  t.packages.reset();
  Run(t);
  EXPECT_FALSE(fs::exists(Work("packages"))) << "those of an attempt before";
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
