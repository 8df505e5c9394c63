#include "operator/runtime/event_recorder.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(created, 25);
  EXPECT_EQ(a.Decide(About("v", "x"), now).verdict, Verdict::kCreate);
  EXPECT_EQ(a.Decide(About("u", "later"), now + std::chrono::seconds(301)).verdict,
            Verdict::kCreate);
}

}  // namespace
}  // namespace penstock::runtime
