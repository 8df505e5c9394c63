// Several programs in turn: one launcher each, over one folder.
#include <sys/file.h>

#include <csignal>
#include <fstream>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::launcher {
namespace {
namespace fs = std::filesystem;

class TurnsTest : public LauncherTest {
 protected:
  // A task of one sh -c each.
  TaskDocument InTurn(const std::vector<std::string>& scripts) const {
    TaskDocument t = Script("");
    t.command.clear();
    for (const std::string& script : scripts)
      t.turns.push_back({"c" + std::to_string(t.turns.size()), {"sh", "-c", script}, {}, "", {}});
    return t;
  }
  fs::path MessageOf(std::size_t turn) const { return dir_ / ("message-" + std::to_string(turn)); }
  Process Start(std::size_t turn) const {
    std::vector<std::string> args = RunArgs();
    for (std::string& a : args)
      if (a == (dir_ / "message").string()) a = MessageOf(turn).string();
    args.push_back("--turn");
    args.push_back(std::to_string(turn));
    return Process(args, env_, dir_ / ("output-" + std::to_string(turn)));
  }
  TerminationMessage MessageOfTurn(std::size_t turn) const {
    const std::string text = Read(MessageOf(turn));
    const auto m = ParseTerminationMessage(text);
    EXPECT_TRUE(m) << text << " output: " << Read(dir_ / ("output-" + std::to_string(turn)));
    return m ? *m : TerminationMessage{};
  }
  // All in the order given; the exit codes by turn.
  std::vector<int> RunAll(const TaskDocument& task, const std::vector<std::size_t>& order) {
    WriteTask(task);
    std::vector<std::unique_ptr<Process>> all(task.turns.size());
    for (const std::size_t turn : order) all[turn] = std::make_unique<Process>(Start(turn));
    std::vector<int> codes;
    for (const auto& one : all) codes.push_back(one->Wait());
    return codes;
  }
};

TEST_F(TurnsTest, RunOneAfterTheOtherInWhateverOrderTheyAreStarted) {
  const TaskDocument t =
      InTurn({"echo a >> $(workspace.path)/log", "echo b >> $(workspace.path)/log",
              "echo c >> $(workspace.path)/log"});
  for (const auto& order : std::vector<std::vector<std::size_t>>{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}) {
    EXPECT_EQ(RunAll(t, order), (std::vector<int>{0, 0, 0}));
    EXPECT_EQ(Read(Work("workspace/log")), "a\nb\nc\n");
    ASSERT_TRUE(artifacts::RemoveTree(dir_ / "work"));
  }
}

TEST_F(TurnsTest, TheFirstDoesNotStartBeforeAllAreThere) {
  WriteTask(InTurn({"touch $(workspace.path)/begun", "true"}));
  Process first = Start(0);
  ASSERT_TRUE(AwaitFile(Work("turns/0"), std::chrono::seconds(20)));
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(), 143);
  EXPECT_FALSE(fs::exists(Work("workspace/begun")));
  EXPECT_EQ(MessageOfTurn(0).outcome, TaskOutcome::kCancelled);
  EXPECT_TRUE(Has(MessageOfTurn(0).message, "signal")) << MessageOfTurn(0).message;
}

TEST_F(TurnsTest, OnlyTheLastTakesOutputsAndResultsAndWritesTheReceipt) {
  TaskDocument t = InTurn(
      {"mkdir $(workspace.path)/src; echo 1 > $(workspace.path)/src/x",
       "cp $(workspace.path)/src/x $(outputs.o.path); printf hello > $(results.r.path)", "true"});
  t.outputs = {{"o", "file", false}};
  t.results = {{"r", "string"}};
  EXPECT_EQ(RunAll(t, {0, 1, 2}), (std::vector<int>{0, 0, 0}));
  EXPECT_FALSE(MessageOfTurn(0).receipt);
  EXPECT_FALSE(MessageOfTurn(1).receipt);
  const auto last = MessageOfTurn(2);
  ASSERT_TRUE(last.receipt);
  EXPECT_EQ(last.receipt->outputs.size(), 1U);
  EXPECT_EQ(last.receipt->results.at("r"), "hello");
  EXPECT_GT(last.receipt->started_ms, 0);
  EXPECT_LE(last.receipt->started_ms, last.receipt->finished_ms);
}

TEST_F(TurnsTest, AFailureEndsTheRestAtOnceAndNamesTheContainer) {
  const TaskDocument t = InTurn(
      {"true", "echo 'no rule to make target' >&2; exit 2", "touch $(workspace.path)/ran", "true"});
  EXPECT_EQ(RunAll(t, {0, 1, 2, 3}), (std::vector<int>{0, 2, 143, 143}));
  EXPECT_FALSE(fs::exists(Work("workspace/ran")));
  const auto failed = MessageOfTurn(1);
  EXPECT_EQ(failed.outcome, TaskOutcome::kFailed);
  EXPECT_EQ(failed.message, "container 'c1': sh exited with code 2");
  EXPECT_EQ(failed.last_words, "no rule to make target");
  EXPECT_TRUE(Has(MessageOfTurn(3).message, "container 'c1' did not succeed"))
      << MessageOfTurn(3).message;
}

TEST_F(TurnsTest, ALauncherThatIsKilledEndsTheRest) {
  WriteTask(InTurn({"touch $(workspace.path)/begun; exec sleep 100", "true"}));
  Process first = Start(0);
  Process second = Start(1);
  ASSERT_TRUE(AwaitFile(Work("workspace/begun"), std::chrono::seconds(20)));
  first.Signal(SIGKILL);
  EXPECT_EQ(first.Wait(), 137);
  EXPECT_EQ(second.Wait(), 143);
  EXPECT_TRUE(Has(MessageOfTurn(1).message, "the container before it was killed"))
      << MessageOfTurn(1).message;
}

TEST_F(TurnsTest, ASignalEndsOneThatWaitsForItsTurn) {
  WriteTask(InTurn({"touch $(workspace.path)/begun; exec sleep 100", "true"}));
  Process first = Start(0);
  Process second = Start(1);
  ASSERT_TRUE(AwaitFile(Work("workspace/begun"), std::chrono::seconds(20)));
  second.Signal(SIGTERM);
  EXPECT_EQ(second.Wait(), 143);
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(), 143);
}

TEST_F(TurnsTest, ShareOneTimeOut) {
  TaskDocument t = InTurn({"true", "exec sleep 100"});
  t.timeout_ms = 1'000;
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(RunAll(t, {0, 1}), (std::vector<int>{0, 124}));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(60));
  EXPECT_EQ(MessageOfTurn(1).message, "container 'c1': sh ran longer than its time-out of 1s");
}

TEST_F(TurnsTest, HandOnWhatIsLeftOfTheTimeOut) {
  TaskDocument t = InTurn({"exec sleep 0.2", "true"});
  t.timeout_ms = 60'000;
  EXPECT_EQ(RunAll(t, {0, 1}), (std::vector<int>{0, 0}));
  const auto end = ParseJson(Read(Work("turns/0.end")), "end");
  ASSERT_TRUE(end);
  EXPECT_LE(end->at("remainingMs").get<int>(), 59'800);
  EXPECT_GT(end->at("remainingMs").get<int>(), 0);
}

TEST_F(TurnsTest, OneThatMayFailIsNotedAndTheNextOneRuns) {
  TaskDocument t = InTurn({"exit 7", "touch $(workspace.path)/ran"});
  t.turns[0].goes_on = true;
  EXPECT_EQ(RunAll(t, {0, 1}), (std::vector<int>{0, 0}));
  EXPECT_TRUE(fs::exists(Work("workspace/ran")));
  EXPECT_EQ(MessageOfTurn(1).message,
            "container 'c0': sh exited with code 7, and the step went on (onError: Continue)");
}

// A first launcher that never joined was waited for by the others without an end.
TEST_F(TurnsTest, AFolderThatCannotBePreparedEndsTheRestToo) {
  fs::create_directories(Work("parameters.json/in-the-way"));
  const TaskDocument t = InTurn({"true", "touch $(workspace.path)/ran"});
  EXPECT_EQ(RunAll(t, {1, 0}), (std::vector<int>{125, 143}));
  EXPECT_EQ(MessageOfTurn(0).outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(MessageOfTurn(1).message, "container 'c0' did not succeed"))
      << MessageOfTurn(1).message;
}

TEST_F(TurnsTest, ASuccessThatTheNextCannotBeToldOfIsNoSuccess) {
  fs::create_directories(Work("turns/0.end/in-the-way"));
  const TaskDocument t = InTurn({"true", "touch $(workspace.path)/ran"});
  EXPECT_EQ(RunAll(t, {0, 1}), (std::vector<int>{125, 143}));
  EXPECT_FALSE(fs::exists(Work("workspace/ran")));
  EXPECT_EQ(MessageOfTurn(0).outcome, TaskOutcome::kInfrastructure);
  EXPECT_TRUE(Has(MessageOfTurn(0).message, "the next container could not be told"))
      << MessageOfTurn(0).message;
}

TEST_F(TurnsTest, AreRefusedWithoutTheNumberOfTheTurn) {
  const auto m = Run(InTurn({"true", "true"}));
  EXPECT_EQ(m.outcome, TaskOutcome::kInvalid);
  EXPECT_TRUE(Has(m.message, "--turn says which")) << m.message;
}

TEST_F(TurnsTest, HaveTheInputsThatTheFirstFetched) {
  std::ofstream(dir_ / "in" / "x") << "42";
  TaskDocument t = InTurn({"true", "cp $(inputs.data.path)/x $(workspace.path)/y"});
  t.inputs = {{"data", "file", store_.Put("ns", dir_ / "in").value(), "", ""}};
  EXPECT_EQ(RunAll(t, {1, 0}), (std::vector<int>{0, 0}));
  EXPECT_EQ(Read(Work("workspace/y")), "42");
}

}  // namespace
}  // namespace penstock::launcher
