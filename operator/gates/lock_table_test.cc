#include "operator/gates/lock_table.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

namespace penstock::gates {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<api::PipelineRun> MakeRun(const std::string& name,
                                          std::vector<api::RunLock> locks) {
  auto run = std::make_shared<api::PipelineRun>();
  run->meta.name = name;
  run->meta.namespace_ = "team";
  run->meta.uid = "uid-" + name;
  run->status.locks = std::move(locks);
  return run;
}

api::RunLock Lock(const std::string& step, std::int64_t turn, bool held) {
  api::RunLock lock;
  lock.step = step;
  lock.names = {"db"};
  lock.turn = turn;
  lock.held = held;
  return lock;
}

plan::PodFact Pod(const std::string& uid, const std::string& by) {
  plan::PodFact pod;
  pod.name = pod.uid = uid;
  pod.phase = plan::PodPhase::kRunning;
  pod.locks = {{"db", by}};
  return pod;
}

// "by" of each, with a sign for those who hold.
std::vector<std::string> Who(const std::vector<plan::LockUse>& uses) {
  std::vector<std::string> who;
  for (const plan::LockUse& use : uses) who.push_back((use.held ? "+" : "-") + use.by);
  return who;
}

TEST(LockTable, CountsWhatStatusesSayButForTheRunsOwn) {
  const LockTable table;
  const LockTable::Runs runs{MakeRun("a", {Lock("s", 1, true)}),
                             MakeRun("b", {Lock("s", 2, false)})};
  EXPECT_THAT(Who(table.Uses("team", runs, "")), ElementsAre("+uid-a/s/", "-uid-b/s/"));
  EXPECT_THAT(Who(table.Uses("team", runs, "uid-a")), ElementsAre("-uid-b/s/"));
}

TEST(LockTable, CountsOfARunThatIsGoingAwayWhatItHoldsOnly) {
  const LockTable table;
  const auto run = MakeRun("a", {Lock("s", 1, true), Lock("t", 2, false)});
  run->meta.deleted = TimePoint{};
  EXPECT_THAT(Who(table.Uses("team", {run}, "")), ElementsAre("+uid-a/s/"));
}

TEST(LockTable, CountsAPodThatGoesOnAfterItsRunIsGone) {
  LockTable table;
  EXPECT_FALSE(table.NotePod("team", Pod("p", "uid-a/s/")));
  const LockTable::Runs runs{MakeRun("a", {Lock("s", 1, true)})};
  EXPECT_THAT(Who(table.Uses("team", runs, "")), ElementsAre("+uid-a/s/")) << "once";
  EXPECT_THAT(Who(table.Uses("team", {}, "")), ElementsAre("+uid-a/s/"));
  EXPECT_THAT(table.Uses("other", {}, ""), IsEmpty());
  plan::PodFact ended = Pod("p", "uid-a/s/");
  ended.exit_code = 0;
  EXPECT_TRUE(table.NotePod("team", ended));
  EXPECT_THAT(table.Uses("team", {}, ""), IsEmpty());
  EXPECT_FALSE(table.NotePod("team", ended)) << "told already";
  EXPECT_FALSE(table.DropPod("team", "p"));
}

TEST(LockTable, CountsAWriteOfWhichNobodyKnowsWhatBecameOfIt) {
  LockTable table;
  table.BeginWrite(*MakeRun("a", {}), {Lock("s", 1, true), Lock("t", 2, false)});
  EXPECT_THAT(Who(table.Uses("team", {MakeRun("a", {})}, "")), ElementsAre("+uid-a/s/"));
  EXPECT_THAT(table.Uses("team", {MakeRun("a", {})}, "uid-a"), IsEmpty()) << "it decides again";
  table.EndWrite("uid-a");
  EXPECT_THAT(table.Uses("team", {MakeRun("a", {})}, ""), IsEmpty());
}

TEST(LockTable, WakesWhoWouldGetALockAndTellsTheNextOnes) {
  LockTable table;
  LockTable::Runs runs{MakeRun("a", {Lock("s", 1, true)})};
  for (int i = 0; i < 30; ++i)
    runs.push_back(MakeRun("w" + std::to_string(i), {Lock("s", 100 - i, false)}));
  EXPECT_EQ(table.ToWake("team", runs).size(), 10U);
  table.PutSizes("team", {{"db", "21"}});
  const auto woken = table.ToWake("team", runs);
  EXPECT_EQ(woken.size(), 20U);
  EXPECT_THAT(woken, ::testing::Not(::testing::Contains("w9"))) << "the last who asked";
  table.PutSizes("team", {});
  EXPECT_THAT(table.Sizes("team"), IsEmpty());
}

TEST(LockTable, CountsHoldersAndWaitersByLock) {
  const LockTable table;
  const auto counts = LockTable::Count(
      "team",
      table.Uses("team", {MakeRun("a", {Lock("s", 1, true)}), MakeRun("b", {Lock("s", 2, false)})},
                 ""));
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].name, "db");
  EXPECT_EQ(counts[0].holders, 1U);
  EXPECT_EQ(counts[0].waiters, 1U);
}

TEST(LockTable, LetsOneDecideAtATimeInANamespace) {
  LockTable table;
  const LockTable::Wake nobody = [](const std::string&) {};
  std::atomic<int> inside = 0;
  std::atomic<bool> two = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        const auto turn = table.Decide("team", "run", nobody);
        if (!turn) continue;
        if (++inside > 1) two = true;
        --inside;
      }
    });
  threads.clear();
  EXPECT_FALSE(two);
  auto mine = table.Decide("team", "run", nobody);
  EXPECT_TRUE(mine);
  EXPECT_TRUE(table.Decide("other", "run", nobody));
  mine.reset();
  EXPECT_TRUE(table.Decide("team", "run", nobody));
}

// All workers of the operator sat behind one namespace.
TEST(LockTable, LetsNobodyWaitForWhoDecidesAndWakesThemInTheirOrder) {
  LockTable table;
  std::vector<std::string> woken;
  const LockTable::Wake wake = [&](const std::string& key) { woken.push_back(key); };
  auto mine = table.Decide("team", "mine", wake);
  ASSERT_TRUE(mine);
  std::jthread([&] {
    for (const char* key : {"a", "b", "a", "c"}) EXPECT_FALSE(table.Decide("team", key, wake));
  }).join();
  EXPECT_THAT(woken, IsEmpty());
  mine.reset();
  EXPECT_THAT(woken, ElementsAre("a", "b"));
  mine = table.Decide("team", "a", wake);
  ASSERT_TRUE(mine);
  mine->End();
  EXPECT_THAT(woken, ElementsAre("a", "b", "c"));
}

TEST(LockTable, TellsTheNextTenOfEachLockWhomTheyWaitFor) {
  const LockTable table;
  LockTable::Runs runs;
  for (int i = 0; i < 20; ++i) {
    api::RunLock lock = Lock("s", i, i == 0);
    runs.push_back(MakeRun("db" + std::to_string(i), {lock}));
    lock = Lock("s", 100 + i, i == 0);
    lock.names = {"gpu"};
    runs.push_back(MakeRun("gpu" + std::to_string(i), {lock}));
  }
  const auto woken = table.ToWake("team", runs);
  EXPECT_EQ(woken.size(), 20U);
  EXPECT_EQ(std::count(woken.begin(), woken.end(), "gpu10"), 1);
  EXPECT_EQ(std::count(woken.begin(), woken.end(), "gpu11"), 0);
}

// It was never told that the write of a run that is gone took nothing.
TEST(LockTable, ForgetsAWriteOfWhichNobodyKnowsWhatBecameOfIt) {
  LockTable table;
  const auto run = MakeRun("a", {});
  table.BeginWrite(*run, {Lock("s", 1, true)});
  EXPECT_TRUE(table.HasWrite(run->meta.uid));
  EXPECT_FALSE(table.EndWritesBut("team", "a", run->meta.uid));
  EXPECT_FALSE(table.EndWritesBut("team", "b", ""));
  EXPECT_EQ(table.Uses("team", {}, "").size(), 1U);
  EXPECT_TRUE(table.EndWritesBut("team", "a", ""));
  EXPECT_THAT(table.Uses("team", {}, ""), IsEmpty());
  EXPECT_FALSE(table.EndWrite(run->meta.uid));
}

}  // namespace
}  // namespace penstock::gates
