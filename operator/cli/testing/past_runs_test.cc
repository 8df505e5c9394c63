// What is said of runs that were, and what of them is used again.
#include <fstream>

#include "operator/base/file.h"
#include "operator/cli/run_preparation.h"
#include "operator/cli/testing/run_fixture.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

TEST_F(RunTest, WhatArtifactGetWroteCanBeDeletedByWhoAskedForIt) {
  Write("data/sub/a.txt", "one\n");
  ASSERT_EQ(Penstock({"artifact", "put", "data", "--state", ".penstock"}), kOk) << err_.str();
  const std::string digest = out_.str().substr(0, 71);
  ASSERT_EQ(Penstock({"artifact", "get", digest, "copy"}), kOk) << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "copy/sub/a.txt"), "one\n");
  for (const char* folder : {"copy", "copy/sub"}) {
    const auto mode = fs::status(folder_ / folder).permissions();
    EXPECT_NE(mode & fs::perms::owner_write, fs::perms::none) << folder;
  }
}

TEST_F(RunTest, DescribeAndDiffTellWhyAStepRanAgain) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string first = NewestRun()["metadata"]["name"];
  ASSERT_EQ(Run({"-p", "greeting=good morning"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"describe", "words"}), kOk) << err_.str();
  for (const char* said : {"greeting   good morning", "was hello, is good morning",
                           "    Results:\n      words   3\n"}) {
    EXPECT_NE(out_.str().find(said), std::string::npos) << said << " is not in:\n" << out_.str();
  }
  ASSERT_EQ(Penstock({"diff", first, "words"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("words"), std::string::npos);
  EXPECT_NE(out_.str().find("2 "), std::string::npos) << out_.str();
  EXPECT_EQ(Penstock({"describe", "nothing"}), kFailed);
  EXPECT_TRUE(err_.str().starts_with("error: there is no run or pipeline \"nothing\""))
      << err_.str();
  EXPECT_EQ(Penstock({"describe", "words", "-o", "name"}), kUsage);
}

TEST_F(RunTest, LineageLeadsFromWhatARunGaveToTheStepsThatMadeItAlsoFromTheCache) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string first = NewestRun()["metadata"]["name"];
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string second = NewestRun()["metadata"]["name"];
  ASSERT_NE(first, second);
  std::string step, digest;
  const Json newest = NewestRun();
  for (const Json& entry : newest["status"]["steps"]) {
    if (entry.value("outputs", Json::array()).empty()) continue;
    step = entry["name"];
    digest = entry["outputs"][0]["digest"];
  }
  ASSERT_FALSE(digest.empty());
  ASSERT_EQ(Penstock({"lineage", digest}), kOk) << err_.str();
  EXPECT_NE(out_.str().find(digest), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("step " + first + "/" + step), std::string::npos) << out_.str();
  EXPECT_LT(out_.str().find(digest), out_.str().find('\n')) << "it does not stand first";
  EXPECT_EQ(out_.str().find(second), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"lineage", digest, "-o", "dot"}), kOk) << err_.str();
  EXPECT_TRUE(out_.str().starts_with("digraph lineage {")) << out_.str();
  ASSERT_EQ(Penstock({"lineage", digest, "-o", "json", "--direction", "both"}), kOk);
  EXPECT_GE(Json::parse(out_.str())["nodes"].size(), 2U);
  EXPECT_EQ(Penstock({"lineage", digest, "-o", "xml"}), kUsage);
  EXPECT_EQ(Penstock({"lineage", "sha256:" + std::string(64, '0')}), kFailed);
}

TEST_F(RunTest, AnEarlierRunsReceiptsStayUntilItIsPruned) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string uid = NewestRun()["metadata"]["uid"];
  ASSERT_EQ(Run(), kOk) << err_.str();
  const State state(folder_ / ".penstock");
  const auto kept = state.store().Receipts(kLocalNamespace, uid);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_FALSE(kept->empty());
  ASSERT_TRUE(PruneRuns(state, 1));
  const auto pruned = state.store().Receipts(kLocalNamespace, uid);
  EXPECT_TRUE(!pruned || pruned->empty());
}

TEST_F(RunTest, SaysThatADamagedHistoryWasSetAsideAndWhereItLies) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  std::ofstream(folder_ / ".penstock/metadata.sqlite") << std::string(8192, 'x');
  for (const char* suffix : {"-wal", "-shm"})
    fs::remove(folder_ / (std::string(".penstock/metadata.sqlite") + suffix));
  ASSERT_EQ(Run(), kOk) << err_.str();
  EXPECT_NE(out_.str().find("metadata.sqlite is damaged"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("metadata.sqlite.damaged-"), std::string::npos) << out_.str();
}

TEST_F(RunTest, LogsOfACachedStepAreThoseOfTheRunThatMadeIt) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string first = NewestRun()["metadata"]["name"];
  ASSERT_EQ(Run(), kOk) << err_.str();
  ASSERT_EQ(Penstock({"logs", "words", "write"}), kOk) << err_.str();
  EXPECT_EQ(out_.str(), "wrote\n");
  EXPECT_EQ(err_.str(),
            "note: step write came from the cache; this is its log in run " + first + "\n");
}

TEST_F(RunTest, DebugOfACachedStepShowsTheRunThatMadeItAsDescribeAndLogsDo) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  const std::string first = NewestRun()["metadata"]["name"];
  ASSERT_EQ(Run(), kOk) << err_.str();
  ASSERT_EQ(Penstock({"describe", "words"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("made by " + first + "\n"), std::string::npos) << out_.str();
  ASSERT_EQ(Penstock({"debug", "words", "write", "--local", "--folder", "look"}), kOk)
      << err_.str();
  EXPECT_EQ(err_.str(),
            "note: step write came from the cache; this is how it ran in run " + first + "\n");
  EXPECT_TRUE(fs::exists(folder_ / "look/run"));
}

TEST_F(RunTest, DebugLeavesAFolderAloneThatItHasNotMade) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  Write("mine/work/thesis.txt", "years\n");
  Write("mine/run", "echo mine\n");
  const auto debug = [this](const std::string& folder) {
    return Penstock({"debug", "words", "write", "--local", "--folder", folder});
  };
  EXPECT_EQ(debug("mine"), kFailed);
  EXPECT_NE(err_.str().find("mine holds files that are not of `penstock debug`; choose a new"),
            std::string::npos)
      << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "mine/work/thesis.txt"), "years\n");
  EXPECT_EQ(*ReadFile(folder_ / "mine/run"), "echo mine\n");
  EXPECT_EQ(debug("mine/run"), kFailed);
  EXPECT_NE(err_.str().find("is no folder"), std::string::npos) << err_.str();

  fs::create_directories(folder_ / "empty");
  EXPECT_EQ(debug("empty"), kOk) << err_.str();
  EXPECT_EQ(debug("empty"), kOk) << err_.str();
  ASSERT_EQ(Run({"-p", "greeting=other"}), kOk) << err_.str();
  EXPECT_EQ(debug("empty"), kFailed) << "what was edited belongs to another pod's step";
  EXPECT_NE(err_.str().find("is of another pod"), std::string::npos) << err_.str();
}

TEST_F(RunTest, IfChangedStartsNothingUntilASourceHoldsSomethingElse) {
  Write("data.csv", "1\n");
  Write("source.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: source}
spec:
  steps:
  - name: read
    container:
      image: example.com/shell:1
      command: [sh, -c, 'cat "${IN#file://}" > "$OUT"']
      env: [{name: IN, value: $(inputs.data.uri)}, {name: OUT, value: $(outputs.copy.path)}]
    inputs: {data: "file://)" +
                           (folder_ / "data.csv").string() + R"("}
    outputs: [{name: copy, type: file}]
    cache: {trustTag: true}
)");
  const auto run = [this] {
    EXPECT_EQ(Penstock({"run", "source.yaml", "--isolation", "process", "--if-changed"}), kOk)
        << out_.str() << err_.str();
    return out_.str().starts_with("unchanged since run ");
  };
  EXPECT_FALSE(run());
  EXPECT_TRUE(run());
  Write("data.csv", "2\n");
  EXPECT_FALSE(run());
  EXPECT_NE(err_.str().find("data.csv holds something else"), std::string::npos) << err_.str();
  EXPECT_TRUE(run());
}

TEST_F(RunTest, ARunThatIsNotToPublishLeavesWhatWasPublished) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  Write("trial.yaml",
        "apiVersion: penstock.dev/v1alpha1\nkind: PipelineRun\n"
        "metadata: {name: trial}\nspec:\n  pipelineRef: {name: words}\n"
        "  parameters: {greeting: bye}\n  publish: false\n");
  ASSERT_EQ(Penstock({"run", "two-steps.yaml", "trial.yaml", "--isolation", "process"}), kOk)
      << err_.str();
  ASSERT_EQ(Penstock({"artifact", "get", "words", "copy.txt"}), kOk) << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "copy.txt"), "hello world\n");
}

TEST_F(RunTest, DebugRunsTheCodeThatOneEditsInTheStepsEnvironment) {
  Write("own.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: own}
spec:
  steps:
  - name: say
    container:
      image: example.com/shell:1
      code: {path: ./src}
      command: [sh, $(code.path)/say.sh, $(results.word.path)]
      env:
      - {name: LITERAL, value: it's $(parameters.x)}
      - name: PASSWORD
        valueFrom: {secretKeyRef: {name: db, key: password}}
      - name: LEVEL
        valueFrom: {configMapKeyRef: {name: settings, key: level}}
    parameters: {x: given}
    results: [{name: word, type: string}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: high}
)");
  Write("src/say.sh", "printf one > \"$1\"\n");
  session_.env["PENSTOCK_SECRET_DB_PASSWORD"] = "open sesame";
  ASSERT_EQ(Penstock({"run", "own.yaml", "--isolation", "process"}), kOk) << err_.str();
  ASSERT_EQ(Penstock({"debug", "own", "say", "--local", "--folder", "look"}), kOk) << err_.str();
  EXPECT_NE(out_.str().find("its command: sh $(code.path)/say.sh"), std::string::npos)
      << out_.str();
  const std::string script = *ReadFile(folder_ / "look/run");
  EXPECT_EQ(script.find("open sesame"), std::string::npos) << "a secret was stored";

  Write("look/code/say.sh", "printf '%s' \"$LITERAL $PASSWORD $LEVEL\" > \"$1\"\n");
  const std::string command =
      "PENSTOCK_SECRET_DB_PASSWORD='open sesame' " + (folder_ / "look/run").string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(*ReadFile(folder_ / "look/work/results/word"), "it's given open sesame high");
  // what was edited stays when the folder is made again
  ASSERT_EQ(Penstock({"debug", "own", "say", "--local", "--folder", "look"}), kOk) << err_.str();
  EXPECT_NE(ReadFile(folder_ / "look/code/say.sh")->find("LEVEL"), std::string::npos);
  EXPECT_NE(std::system((folder_ / "look/run").c_str()), 0) << "the secret is missing and told";
}

}  // namespace
}  // namespace penstock::cli
