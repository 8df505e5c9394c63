#include "operator/runtime/event_recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"

namespace penstock::runtime {
namespace {

using Verdict = EventAggregator::Verdict;
using std::chrono::steady_clock;

Note About(const std::string& uid, const std::string& message) {
  return {"penstock.dev/v1alpha1",
          "PipelineRun",
          "ns",
          "run",
          uid,
          "1",
          "Warning",
          "StepFailed",
          message};
}

TEST(EventAggregator, ARepeatRaisesTheSeriesInsteadOfMakingAnotherEvent) {
  EventAggregator a;
  const steady_clock::time_point now{};
  const auto first = a.Decide(About("u", "x"), now);
  const auto second = a.Decide(About("u", "x"), now + std::chrono::minutes(9));
  EXPECT_EQ(first.verdict, Verdict::kCreate);
  EXPECT_EQ(second.verdict, Verdict::kRaise);
  EXPECT_EQ(second.event, first.event);
  EXPECT_EQ(second.count, 2);
}

TEST(EventAggregator, ARepeatAfterTenQuietMinutesIsANewEvent) {
  EventAggregator a;
  const steady_clock::time_point now{};
  const auto first = a.Decide(About("u", "x"), now);
  const auto second = a.Decide(About("u", "x"), now + std::chrono::minutes(11));
  EXPECT_EQ(second.verdict, Verdict::kCreate);
  EXPECT_NE(second.event, first.event);
}

TEST(EventAggregator, AnObjectThatFloodsIsHeldBackAndOthersAreNot) {
  EventAggregator a;
  const steady_clock::time_point now{};
  int created = 0;
  for (int i = 0; i < 100; ++i)
    if (a.Decide(About("u", std::to_string(i)), now).verdict == Verdict::kCreate) ++created;
  EXPECT_EQ(created, 20);
  EXPECT_EQ(a.Decide(About("v", "x"), now).verdict, Verdict::kCreate);
  EXPECT_EQ(a.Decide(About("u", "later"), now + std::chrono::seconds(301)).verdict,
            Verdict::kCreate);
}

TEST(EventAggregator, AFailureLoopOfTenMinutesMakesFewerThan25Events) {
  EventAggregator a;
  const steady_clock::time_point begin{};
  int created = 0;
  // A failure a second, each with words of its own, so that no series holds them together.
  for (int second = 0; second <= 600; ++second)
    if (a.Decide(About("u", "attempt " + std::to_string(second) + " failed"),
                 begin + std::chrono::seconds(second))
            .verdict == Verdict::kCreate)
      ++created;
  EXPECT_GE(created, 20);
  EXPECT_LT(created, 25) << "20 at once, and one each five minutes";
}

TEST(EventAggregator, ManyRepeatsCostOneWriteAMinute) {
  EventAggregator a;
  const steady_clock::time_point begin{};
  int writes = 0;
  for (int second = 0; second < 300; ++second) {
    const auto decision = a.Decide(About("u", "x"), begin + std::chrono::seconds(second));
    if (decision.verdict != Verdict::kHold) ++writes;
    EXPECT_EQ(decision.count, second + 1);
  }
  EXPECT_EQ(writes, 6) << "the event, its second occurrence, and one count a minute";
}

TEST(EventAggregator, WhatCouldNotBeWrittenIsANewEventTheNextTime) {
  EventAggregator a;
  EXPECT_EQ(a.Decide(About("u", "x"), {}).verdict, Verdict::kCreate);
  a.Forget(About("u", "x"));
  EXPECT_EQ(a.Decide(About("u", "x"), {}).verdict, Verdict::kCreate);
}

// Counts the event writes of a recorder and waits for them.
class EventWrites {
 public:
  explicit EventWrites(local::MemoryCluster& cluster) {
    cluster.SetInterceptor([this](const local::Request& request) -> std::optional<Error> {
      const std::lock_guard lock(mutex_);
      if (request.verb == "create" || request.verb == "patch") ++count_;
      changed_.notify_all();
      if (count_ <= failing_) return Transient("down");
      return std::nullopt;
    });
  }
  void FailFirst(int n) { failing_ = n; }
  bool Reach(int n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return count_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  int failing_ = 0;
};

TEST(EventRecorder, WritesAnEventThatSaysWhatAndAboutWhomAndCountsItsRepeat) {
  const SystemClock clock;
  local::MemoryCluster cluster(clock);
  EventWrites writes(cluster);
  std::atomic<int> dropped = 0;
  {
    EventRecorder recorder(cluster, clock, "operator-0", [&] { ++dropped; });
    recorder.Record(About("u", "step train failed"));
    recorder.Record(About("u", "step train failed"));
    recorder.Record(About("u", "another"));
    ASSERT_TRUE(writes.Reach(3));
  }
  const auto events = cluster.List(kube::kEvents, "ns", {});
  ASSERT_TRUE(events);
  bool found = false;
  for (const Json& event : events->items) {
    if (event["note"] != "step train failed") continue;
    found = true;
    EXPECT_EQ(event["regarding"]["uid"], "u");
    EXPECT_EQ(event["reason"], "StepFailed");
    EXPECT_EQ(event["series"]["count"], 2);
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(dropped, 0);
}

TEST(EventRecorder, CountsWhatItCouldNotSendAndGoesOn) {
  const SystemClock clock;
  local::MemoryCluster cluster(clock);
  EventWrites writes(cluster);
  writes.FailFirst(1);
  std::atomic<int> dropped = 0;
  {
    EventRecorder recorder(cluster, clock, "operator-0", [&] { ++dropped; });
    recorder.Record(About("u", "x"));
    recorder.Record(About("u", "x"));
    recorder.Record(About("u", "y"));
    ASSERT_TRUE(writes.Reach(3));
  }
  EXPECT_EQ(dropped, 1);
  EXPECT_EQ(cluster.List(kube::kEvents, "ns", {})->items.size(), 2U);
}

TEST(EventRecorder, CutsALongNoteBetweenCharacters) {
  const SystemClock clock;
  local::MemoryCluster cluster(clock);
  EventWrites writes(cluster);
  std::string note;
  while (note.size() < 3000) note += "\xE2\x82\xAC";  // the euro sign, three bytes
  {
    EventRecorder recorder(cluster, clock, "operator-0", [] {});
    recorder.Record(About("u", note));
    ASSERT_TRUE(writes.Reach(1));
  }
  const auto events = cluster.List(kube::kEvents, "ns", {});
  ASSERT_EQ(events->items.size(), 1U);
  EXPECT_EQ(events->items[0]["note"].get<std::string>().size(), 1023U);
}

}  // namespace
}  // namespace penstock::runtime
