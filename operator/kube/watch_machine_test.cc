#include "operator/kube/watch_machine.h"

#include <gtest/gtest.h>

namespace penstock::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Step = WatchMachine::Step;
const WatchMachine::SteadyTime kNow{std::chrono::hours(1)};

WatchMachine Machine(bool streaming) { return {streaming, 500, Backoff({}, 1)}; }

Error Of(ErrorKind kind) {
  Error e;
  e.kind = kind;
  return e;
}

// A machine that watches from version 7.
WatchMachine Watching() {
  WatchMachine m = Machine(false);
  EXPECT_EQ(m.Next().step, Step::kPage);
  EXPECT_TRUE(m.OnPage("7", ""));
  return m;
}

TEST(WatchMachine, ListsPagesThenWatchesFromTheListsVersion) {
  WatchMachine m = Machine(false);
  EXPECT_TRUE(m.TakeRestarted());
  auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kPage);
  EXPECT_EQ(plan.limit, 500);
  EXPECT_FALSE(m.OnPage("7", "more"));
  plan = m.Next();
  EXPECT_EQ(plan.continue_token, "more");
  EXPECT_TRUE(m.OnPage("7", ""));
  plan = m.Next();
  EXPECT_EQ(plan.step, Step::kWatch);
  EXPECT_EQ(plan.resource_version, "7");
  EXPECT_EQ(plan.pause.count(), 0);
  EXPECT_FALSE(m.TakeRestarted());
}

TEST(WatchMachine, AnExpiredPageLeadsToOneListWithoutPages) {
  WatchMachine m = Machine(false);
  (void)m.TakeRestarted();
  m.OnPage("7", "more");
  m.OnPageError(Of(ErrorKind::kExpired), kNow);
  EXPECT_TRUE(m.TakeRestarted()) << "collected pages are void";
  const auto plan = m.Next();
  EXPECT_EQ(plan.limit, 0);
  EXPECT_EQ(plan.continue_token, "");
  EXPECT_EQ(plan.pause.count(), 0);
}

TEST(WatchMachine, ATransientPageIsAskedForAgainWithItsToken) {
  WatchMachine m = Machine(false);
  (void)m.TakeRestarted();
  m.OnPage("7", "more");
  m.OnPageError(Of(ErrorKind::kTransient), kNow);
  EXPECT_FALSE(m.TakeRestarted());
  const auto plan = m.Next();
  EXPECT_EQ(plan.continue_token, "more");
  EXPECT_GE(plan.pause, milliseconds(800));
}

TEST(WatchMachine, GoesOnFromTheLastVersionAfterATransientEnd) {
  WatchMachine m = Watching();
  m.OnVersion("9");
  m.OnWatchEnd(Of(ErrorKind::kTransient), seconds(5), 1, kNow);
  const auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kWatch);
  EXPECT_EQ(plan.resource_version, "9");
  EXPECT_GE(plan.pause, milliseconds(800));
}

TEST(WatchMachine, ListsAgainAtOnceWhenItsVersionExpired) {
  WatchMachine m = Watching();
  m.OnWatchEnd(Of(ErrorKind::kExpired), seconds(5), 1, kNow);
  EXPECT_TRUE(m.TakeRestarted());
  const auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kPage);
  EXPECT_EQ(plan.pause.count(), 0);
}

TEST(WatchMachine, DoesNotListInALoopWhenEveryWatchExpiresAtOnce) {
  WatchMachine m = Watching();
  m.OnWatchEnd(Of(ErrorKind::kExpired), milliseconds(3), 0, kNow);
  EXPECT_GE(m.Next().pause, milliseconds(800));
}

TEST(WatchMachine, ListsAgainAfterNonsense) {
  WatchMachine m = Watching();
  m.OnWatchEnd(Of(ErrorKind::kInternal), seconds(5), 1, kNow);
  const auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kPage);
  EXPECT_GE(plan.pause, milliseconds(800));
}

TEST(WatchMachine, AWatchThatEndedInTimeIsRenewedWithoutAPause) {
  WatchMachine m = Watching();
  m.OnWatchEnd({}, seconds(50), 0, kNow);
  const auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kWatch);
  EXPECT_EQ(plan.pause.count(), 0);
}

TEST(WatchMachine, AWatchThatEndsAtOnceWithoutAWordIsPausedAfter) {
  WatchMachine m = Watching();
  m.OnWatchEnd({}, milliseconds(20), 0, kNow);
  EXPECT_GE(m.Next().pause, milliseconds(800));
}

TEST(WatchMachine, TakesTheServersRetryAfterWhenItIsLonger) {
  WatchMachine m = Watching();
  Error busy = Of(ErrorKind::kTransient);
  busy.retry_after = seconds(70);
  m.OnWatchEnd(busy, milliseconds(1), 0, kNow);
  EXPECT_EQ(m.Next().pause, seconds(70));
}

TEST(WatchMachine, StreamsTheListWhereItIsAllowed) {
  WatchMachine m = Machine(true);
  EXPECT_EQ(m.Next().step, Step::kStream);
  m.OnVersion("3");  // not yet a version to go on from
  m.OnInitialEventsEnd("7");
  m.OnVersion("8");
  m.OnWatchEnd({}, seconds(50), 9, kNow);
  const auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kWatch);
  EXPECT_EQ(plan.resource_version, "8");
}

TEST(WatchMachine, FallsBackToPagesWhenStreamingIsRefusedOrNeverEnds) {
  for (const Result<void>& end : {Result<void>(Of(ErrorKind::kInvalid)), Result<void>()}) {
    WatchMachine m = Machine(true);
    (void)m.TakeRestarted();
    m.OnWatchEnd(end, seconds(50), 3, kNow);
    EXPECT_TRUE(m.TakeRestarted());
    const auto plan = m.Next();
    EXPECT_EQ(plan.step, Step::kPage);
    EXPECT_EQ(plan.pause.count(), 0);
    EXPECT_FALSE(m.streaming());
  }
}

TEST(WatchMachine, StreamsAgainAfterATransientFailureOfTheStream) {
  WatchMachine m = Machine(true);
  (void)m.TakeRestarted();
  m.OnWatchEnd(Of(ErrorKind::kTransient), seconds(1), 3, kNow);
  EXPECT_TRUE(m.TakeRestarted());
  const auto plan = m.Next();
  EXPECT_EQ(plan.step, Step::kStream);
  EXPECT_GE(plan.pause, milliseconds(800));
}

TEST(Backoff, DoublesFromItsFirstPauseToItsLastWithJitterAndStartsAnewWhenHealthy) {
  Backoff backoff({}, 42);
  auto now = kNow;
  milliseconds base{800};
  for (int i = 0; i < 10; ++i) {
    const auto pause = backoff.Next(now);
    EXPECT_GE(pause, base);
    EXPECT_LE(pause, base * 2);
    now += pause;
    base = std::min(base * 2, milliseconds(30'000));
  }
  EXPECT_LE(backoff.Next(now + seconds(121)), milliseconds(1600));
}

TEST(Backoff, TwoWatchersDoNotReturnTogether) {
  EXPECT_NE(Backoff({}, 1).Next(kNow), Backoff({}, 2).Next(kNow));
}

TEST(Backoff, AServerThatIsDownForFiveMinutesSeesAtMostOneRequestInThirtySeconds) {
  Backoff backoff({}, 7);
  auto now = kNow;
  int requests = 0;
  while (now < kNow + std::chrono::minutes(5)) {
    now += backoff.Next(now);
    if (now > kNow + std::chrono::minutes(1)) ++requests;
  }
  EXPECT_LE(requests, 9);
}

}  // namespace
}  // namespace penstock::kube
