#include "operator/plan/pipeline/backfill_plan.h"

#include <gmock/gmock.h>

#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TimePoint kNow = *ParseTime("2026-11-28T12:00:00Z");

std::vector<std::string> Texts(const Result<std::vector<TimePoint>>& times) {
  EXPECT_TRUE(times) << (times ? "" : times.error().message);
  std::vector<std::string> out;
  if (times)
    for (const TimePoint t : *times) out.push_back(FormatTime(t));
  return out;
}

TEST(ABackfill, OfDatesIsOfWholeDaysOfTheSchedulesZone) {
  const Zone seoul = *FindZone("Asia/Seoul");
  const auto span = SpanOf("2026-11-01", "2026-11-02", seoul, kNow);
  ASSERT_TRUE(span);
  EXPECT_EQ(FormatTime(span->from), "2026-10-31T15:00:00Z");
  EXPECT_EQ(FormatTime(span->to), "2026-11-02T14:59:59Z");
  api::ScheduleSpec schedule;
  schedule.cron = "0 0,12 * * *";
  schedule.time_zone = "Asia/Seoul";
  EXPECT_THAT(Texts(BackfillTimes(*TimetableOf(schedule), *span)),
              ElementsAre("2026-10-31T15:00:00Z", "2026-11-01T03:00:00Z", "2026-11-01T15:00:00Z",
                          "2026-11-02T03:00:00Z"));
}

TEST(ABackfill, TakesTimesWithBothEndsAndNothingThatHasNotCome) {
  const auto span = SpanOf("2026-11-28T06:00:00Z", "2026-11-28T20:00:00Z", Zone(), kNow);
  ASSERT_TRUE(span);
  EXPECT_THAT(Texts(BackfillTimes(std::chrono::hours(3), *span)),
              ElementsAre("2026-11-28T06:00:00Z", "2026-11-28T09:00:00Z", "2026-11-28T12:00:00Z"));
  EXPECT_THAT(SpanOf("2026-11-29", "2026-11-30", Zone(), kNow).error().message,
              HasSubstr("has not come yet"));
  EXPECT_THAT(SpanOf("2026-11-20", "2026-11-10", Zone(), kNow).error().message,
              HasSubstr("--to is before --from"));
  for (const char* bad : {"yesterday", "2026-02-30", "2026-11-1", ""})
    EXPECT_THAT(SpanOf(bad, "2026-11-10", Zone(), kNow).error().message, HasSubstr("is no time"))
        << bad;
}

TEST(ABackfill, OfTooManyRunsIsRefused) {
  const auto span = SpanOf("2026-01-01", "2026-11-28", Zone(), kNow);
  EXPECT_THAT(BackfillTimes(std::chrono::minutes(1), *span).error().message,
              HasSubstr("more than 10000 runs"));
  api::ScheduleSpec schedule;
  schedule.cron = "* * * * *";
  EXPECT_FALSE(BackfillTimes(*TimetableOf(schedule), *span));
  EXPECT_FALSE(BackfillTimes(std::chrono::seconds(90), *span)) << "no whole minutes";
}

class BackfillOfOneTime : public ::testing::Test {
 protected:
  void Add(const std::string& outcome) {
    api::PipelineRun run;
    run.meta.name = ScheduledRunName("p", "daily", kNow) +
                    (runs_.empty() ? "" : "-" + std::to_string(runs_.size() + 1));
    run.meta.labels[kLabelSchedule] = "daily";
    run.spec.scheduled_time = kNow;
    if (!outcome.empty()) {
      const bool good = outcome == "Succeeded";
      using api::ConditionStatus;
      api::SetCondition(run.status.conditions,
                        {"Finished", ConditionStatus::kTrue, outcome, "", 1, {}}, kNow);
      api::SetCondition(run.status.conditions,
                        {"Succeeded",
                         good ? ConditionStatus::kTrue : ConditionStatus::kFalse,
                         outcome,
                         "",
                         1,
                         {}},
                        kNow);
    }
    runs_.push_back(run);
  }
  // "" where a run is made.
  std::string Skipped(Reprocess reprocess) {
    step_ = PlanBackfill("p", "daily", settled_, {kNow}, runs_, reprocess).at(0);
    return step_.skipped;
  }
  std::vector<api::PipelineRun> runs_;
  std::optional<Span> settled_;
  BackfillStep step_;
};

TEST_F(BackfillOfOneTime, ThatHasNoRunMakesOneOfTheSchedulesName) {
  EXPECT_EQ(Skipped(Reprocess::kNone), "");
  EXPECT_EQ(step_.run, ScheduledRunName("p", "daily", kNow));
  EXPECT_EQ(PlanBackfill("p", "other", {}, {kNow}, runs_, Reprocess::kNone).at(0).skipped, "");
}

TEST_F(BackfillOfOneTime, ThatHasARunGoesByReprocess) {
  Add("StepFailed");
  EXPECT_EQ(Skipped(Reprocess::kNone), "Failed");
  EXPECT_EQ(Skipped(Reprocess::kFailed), "");
  EXPECT_EQ(step_.run, ScheduledRunName("p", "daily", kNow) + "-2");
  Add("Succeeded");
  EXPECT_EQ(Skipped(Reprocess::kFailed), "Succeeded");
  EXPECT_EQ(Skipped(Reprocess::kCompleted), "");
  EXPECT_EQ(step_.run, ScheduledRunName("p", "daily", kNow) + "-3");
  Add("");
  EXPECT_EQ(Skipped(Reprocess::kCompleted), "goes on");
}

TEST_F(BackfillOfOneTime, WhoseRunWasDeletedIsToldFromOneThatHasNotHadItsTurn) {
  EXPECT_EQ(Skipped(Reprocess::kNone), "");
  EXPECT_FALSE(step_.run_is_gone) << "nothing is known of the schedule";
  using std::chrono::minutes;
  for (const Span& other :
       {Span{kNow - minutes(9), kNow - minutes(1)}, Span{kNow + minutes(1), kNow + minutes(9)}}) {
    settled_ = other;
    (void)Skipped(Reprocess::kNone);
    EXPECT_FALSE(step_.run_is_gone);
  }
  settled_ = Span{kNow - minutes(9), kNow};
  EXPECT_EQ(Skipped(Reprocess::kNone), "") << "it is made all the same";
  EXPECT_TRUE(step_.run_is_gone);
  Add("StepFailed");
  (void)Skipped(Reprocess::kFailed);
  EXPECT_FALSE(step_.run_is_gone);
}

// "3 runs made, 2 succeeded" and a failure, without a word of which.
TEST_F(BackfillOfOneTime, NamesItsRunsThatWereDeletedBeforeTheirEnd) {
  Add("Succeeded");
  Add("StepFailed");
  Add("Succeeded");  // not of this backfill
  const std::string name = runs_[0].meta.name;
  const BackfillEnd end = EndOf({name, name + "-2", name + "-9"}, runs_);
  EXPECT_EQ(end.succeeded, 1U);
  EXPECT_THAT(end.lines, ElementsAre("run " + name + "-2: Failed",
                                     "run " + name + "-9: was deleted before its end was seen"));
}

// "The same command makes the rest" made those again that it had made.
TEST(ABackfill, ThatWasStoppedSaysHowToGoOnByReprocess) {
  EXPECT_EQ(HowToGoOn(2, kNow, Reprocess::kNone),
            "2 runs were made and go on; the same command makes the rest");
  EXPECT_THAT(HowToGoOn(2, kNow, Reprocess::kFailed),
              HasSubstr("with --from 2026-11-28T12:00:00Z makes the rest; without it those that "
                        "have failed"));
  EXPECT_THAT(HowToGoOn(2, kNow, Reprocess::kCompleted), HasSubstr("those that have ended"));
  EXPECT_THAT(HowToGoOn(2, std::nullopt, Reprocess::kCompleted), HasSubstr("no more to make"));
}

}  // namespace
}  // namespace penstock::plan
