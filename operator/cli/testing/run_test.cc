// Whole runs through the real engine, launcher and process runner.
#include <thread>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/cli/run_preparation.h"
#include "operator/cli/testing/run_fixture.h"
#include "operator/kube/resources.h"
#include "operator/os/command.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

TEST_F(RunTest, RunsThePipelineAndTakesTheSecondRunFromTheCache) {
  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  EXPECT_NE(out_.str().find("count   words    2"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("not isolated"), std::string::npos) << out_.str();
  Json run = NewestRun();
  EXPECT_FALSE(Step(run, "write").value("cached", false));
  EXPECT_EQ(Step(run, "count")["results"]["words"], 2);

  ASSERT_EQ(Run(), kOk) << out_.str() << err_.str();
  run = NewestRun();
  EXPECT_TRUE(Step(run, "write").value("cached", false));
  EXPECT_TRUE(Step(run, "count").value("cached", false));

  ASSERT_EQ(Run({"--no-cache"}), kOk) << out_.str() << err_.str();
  EXPECT_FALSE(Step(NewestRun(), "write").value("cached", false));
}

TEST_F(RunTest, LaterCommandsFindWhatItLeft) {
  ASSERT_EQ(Run({"-p", "greeting=good morning"}), kOk) << err_.str();
  EXPECT_EQ(Penstock({"logs", "words", "write"}), kOk);
  EXPECT_EQ(out_.str(), "wrote\n");
  EXPECT_EQ(Penstock({"artifact", "get", "words", "copy.txt"}), kOk) << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "copy.txt"), "good morning world\n");
  EXPECT_EQ(Penstock({"get", "runs"}), kOk);
  EXPECT_NE(out_.str().find("Succeeded   -      2/2"), std::string::npos) << out_.str();
  EXPECT_EQ(Penstock({"get", "runs", "-o", "json"}), kOk);
  EXPECT_EQ(Json::parse(out_.str())["items"].size(), 1U);
  EXPECT_EQ(Penstock({"artifact", "ls", "nothing"}), kFailed);
  EXPECT_NE(err_.str().find("there is no run \"nothing\" here"), std::string::npos) << err_.str();
  EXPECT_EQ(Penstock({"artifact", "ls", "-o", "name"}), kOk);
  EXPECT_NE(out_.str().find("/write/text\n"), std::string::npos);
  EXPECT_EQ(Penstock({"cancel", "words"}), kFailed);
  EXPECT_EQ(Penstock({"get", "runs", "nothing"}), kFailed);
}

TEST_F(RunTest, DebugMakesAFolderInWhichTheStepRunsAgain) {
  ASSERT_EQ(Run(), kOk) << err_.str();
  ASSERT_EQ(Penstock({"debug", "words", "count", "--local", "--folder", "look"}), kOk)
      << err_.str();
  EXPECT_EQ(*ReadFile(folder_ / "look/inputs/text"), "hello world\n");
  EXPECT_EQ(std::system((folder_ / "look/run").c_str()), 0);
  EXPECT_NE(ReadFile(folder_ / "look/termination-log")->find("\"words\":2"), std::string::npos);
}

TEST_F(RunTest, AFailedStepFailsTheRunAndShowsItsLog) {
  EXPECT_EQ(Run({"-p", "fail=true"}), kFailed);
  EXPECT_NE(err_.str().find("step count failed"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("| no luck"), std::string::npos) << err_.str();
  EXPECT_EQ(Step(NewestRun(), "count")["phase"], "Failed");
}

TEST_F(RunTest, WrongParametersAreUsageAndWrongFilesAreInvalid) {
  EXPECT_EQ(Run({"-p", "greting=x"}), kUsage);
  EXPECT_NE(err_.str().find("it has greeting, fail"), std::string::npos);
  EXPECT_EQ(Run({"--sample", "1%"}), kUsage);
  EXPECT_EQ(Run({"--pipeline", "other"}), kUsage);
  CopyTestdata("wrong.yaml");
  EXPECT_EQ(Penstock({"run", "wrong.yaml"}), kInvalidSpec);
}

TEST_F(RunTest, CtrlCCancelsTheRun) {
  Write("slow.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: slow}
spec:
  steps:
  - name: sleep
    container: {image: example.com/shell:1, command: [sh, -c, 'touch "$HOME/started"; exec sleep 600']}
)");
  std::jthread presser([this] {
    while (!fs::exists(folder_ / "started")) std::this_thread::yield();
    first_.request_stop();
  });
  EXPECT_EQ(Penstock({"run", "slow.yaml", "--isolation", "process"}), kFailed);
  EXPECT_EQ(State(folder_ / ".penstock").FindRun("slow")->at("status")["steps"][0]["phase"],
            "Cancelled")
      << out_.str() << err_.str();
}

TEST_F(RunTest, AStepThatCanNeverStartHereEndsTheRun) {
  Write("huge.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: huge}
spec:
  steps:
  - name: big
    container: {image: example.com/shell:1, command: [sh, -c, 'exit 0']}
    resources: {requests: {cpu: "4000"}}
)");
  EXPECT_EQ(Penstock({"run", "huge.yaml", "--isolation", "process"}), kFailed);
  EXPECT_NE(out_.str().find(
                "step big can never start here: 0/1 nodes are available: 1 Insufficient cpu."),
            std::string::npos)
      << out_.str();
}

TEST_F(RunTest, CodeBesideTheManifestRunsAndItsChangeRunsTheStepAgain) {
  Write("own.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: own}
spec:
  defaults: {cache: {trustTag: true}}
  steps:
  - name: say
    container:
      image: example.com/shell:1
      code: {path: ./src}
      command: [sh, $(code.path)/say.sh, $(results.word.path)]
    results: [{name: word, type: string}]
)");
  const auto word = [this] {
    EXPECT_EQ(Penstock({"run", "own.yaml", "--isolation", "process"}), kOk)
        << out_.str() << err_.str();
    const Json run = *State(folder_ / ".penstock").FindRun("own");
    return Step(run, "say")["results"]["word"].get<std::string>() +
           (Step(run, "say").value("cached", false) ? " cached" : "");
  };
  Write("src/say.sh", "printf one > \"$1\"\n");
  EXPECT_EQ(word(), "one");
  EXPECT_EQ(word(), "one cached");
  Write("src/say.sh", "printf two > \"$1\"\n");
  EXPECT_EQ(word(), "two");
}

// A repository in folder_/repository whose newest commit's steps/say.sh says a word.
class GitRunTest : public RunTest {
 protected:
  std::string Git(const std::string& words) {
    const auto said = AskCommand({"sh", "-c",
                                  "cd '" + (folder_ / "repository").string() +
                                      "' && git -c user.name=t -c user.email=t@t " + words},
                                 std::chrono::seconds(20));
    EXPECT_TRUE(said) << (said ? "" : said.error().message);
    return said ? *said : "";
  }
  void Commit(const std::string& word) {
    Write("repository/steps/say.sh", "printf " + word + " > \"$1\"\n");
    Git("init -q -b main . && git add .");
    Git("commit -q -m change");
  }
  void WritePipeline(const std::string& revision) {
    Write("git.yaml", R"(apiVersion: penstock.dev/v1alpha1
kind: Pipeline
metadata: {name: own}
spec:
  defaults: {cache: {trustTag: true}}
  steps:
  - name: say
    container:
      image: example.com/shell:1
      code: {git: {url: "file://)" +
                          (folder_ / "repository").string() + R"(", revision: ")" + revision +
                          R"(", path: steps}}
      command: [sh, $(code.path)/say.sh, $(results.word.path)]
    results: [{name: word, type: string}]
)");
  }
  // The steps' states in order of the run, as "git cached, say ran one".
  std::string Ran() {
    EXPECT_EQ(Penstock({"validate", "git.yaml"}), kOk) << out_.str() << err_.str();
    EXPECT_EQ(Penstock({"run", "git.yaml", "--isolation", "process"}), kOk)
        << out_.str() << err_.str();
    const Json run = *State(folder_ / ".penstock").FindRun("own");
    std::string text;
    for (const Json& step : run["status"]["steps"]) {
      text += text.empty() ? "" : ", ";
      text += step["name"].get<std::string>().substr(0, 3);
      text += step.value("cached", false) ? " cached" : " ran";
    }
    return text + " " + Step(run, "say")["results"].value("word", "");
  }
};

TEST_F(GitRunTest, ABranchIsLookedAtInEachRunAndItsFolderDecides) {
  Commit("one");
  WritePipeline("main");
  EXPECT_EQ(Ran(), "git ran, say ran one");
  EXPECT_EQ(Ran(), "git ran, say cached one");
  Commit("two");
  EXPECT_EQ(Ran(), "git ran, say ran two");
}

TEST_F(GitRunTest, AWholeCommitIsFetchedOnce) {
  Commit("one");
  WritePipeline(Git("rev-parse HEAD").substr(0, 40));
  EXPECT_EQ(Ran(), "git ran, say ran one");
  Commit("two");
  EXPECT_EQ(Ran(), "git cached, say cached one");
}

TEST_F(GitRunTest, ARepositoryThatIsNotThereFailsItsStepInGitsWords) {
  WritePipeline("main");
  EXPECT_EQ(Penstock({"run", "git.yaml", "--isolation", "process"}), kFailed);
  EXPECT_NE(err_.str().find("does not appear to be a git repository"), std::string::npos)
      << out_.str() << err_.str();
  const Json run = *State(folder_ / ".penstock").FindRun("own");
  EXPECT_EQ(Step(run, "say")["phase"], "Skipped");
}

TEST_F(RunTest, TwoProcessesDoNotShareAStateFolder) {
  const State state(folder_ / ".penstock");
  ASSERT_TRUE(state.Create());
  const Result<StateLock> lock = StateLock::Take(state);
  ASSERT_TRUE(lock);
  EXPECT_EQ(state.RunningProcess(), getpid());
  EXPECT_EQ(Run(), kFailed);
  EXPECT_NE(err_.str().find("--state"), std::string::npos);
}

TEST_F(RunTest, ARunThatAKilledProcessLeftIsNotShownAsRunning) {
  const State state(folder_ / ".penstock");
  ASSERT_TRUE(state.Create());
  EXPECT_EQ(std::filesystem::status(state.root()).permissions(), std::filesystem::perms::owner_all);
  const Json run = {
      {"metadata", {{"name", "old"}}},
      {"spec", {{"pipelineRef", {{"name", "p"}}}}},
      {"status",
       {{"summary", {{"total", 2}}},
        {"steps",
         {{{"name", "a"}, {"phase", "Succeeded"}}, {{"name", "b"}, {"phase", "Running"}}}}}}};
  ASSERT_TRUE(state.Save(kube::kPipelineRuns, run));
  ASSERT_TRUE(WriteFileAtomically(state.root() / "pods/default/x/volumes/s/pw", "hello"));
  ASSERT_EQ(Penstock({"get", "runs"}), kOk) << err_.str();
  EXPECT_EQ(out_.str().find("Running"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("Failed"), std::string::npos) << out_.str();
  const Json seen = *state.FindRun("old");
  EXPECT_EQ(Step(seen, "a")["phase"], "Succeeded");
  EXPECT_EQ(Step(seen, "b")["phase"], "Cancelled");
  EXPECT_EQ(Step(seen, "b")["reason"], "Interrupted");
  {
    const Result<StateLock> lock = StateLock::Take(state);
    ASSERT_TRUE(lock);
    ASSERT_EQ(Penstock({"get", "runs"}), kOk) << err_.str();
    EXPECT_NE(out_.str().find("Running"), std::string::npos) << "its process is at work";
  }
  ASSERT_EQ(Run(), kOk) << err_.str();
  EXPECT_FALSE(std::filesystem::exists(state.root() / "pods/default/x/volumes"));
}

TEST_F(RunTest, ARunThatAKilledProcessLeftIsClosedAsInterrupted) {
  const State state(folder_ / ".penstock");
  ASSERT_TRUE(state.Create());
  ASSERT_TRUE(state.Save(kube::kPipelineRuns,
                         {{"metadata", {{"name", "old"}}}, {"status", {{"phase", "x"}}}}));
  ASSERT_TRUE(CloseInterruptedRuns(state, clock_.Now()));
  const Json run = *state.FindRun("old");
  EXPECT_EQ(run["status"]["conditions"][0]["reason"], "Interrupted");
}

TEST(LocalRun, PutsSampleOnlyWhereTheComponentHasIt) {
  api::PipelineSpec spec;
  spec.steps.resize(2);
  spec.steps[0].component = api::ComponentRef{"ingest", "1", true};
  spec.steps[1].component = api::ComponentRef{"train", "1", true};
  std::vector<api::Component> components(2);
  components[0].spec.name = "ingest";
  components[0].spec.parameters.resize(1);
  components[0].spec.parameters[0].name = "sample";
  components[1].spec.name = "train";
  ASSERT_TRUE(SetSample(spec, "1%", components));
  EXPECT_EQ(spec.steps[0].parameters.at("sample"), "1%");
  EXPECT_TRUE(spec.steps[1].parameters.empty());
}

}  // namespace
}  // namespace penstock::cli
