// A run that should have finished by a time and did not.
#include <gmock/gmock.h>

#include "operator/plan/pipeline/testing/scheduled_pipeline.h"
#include "operator/plan/step/last_good.h"

namespace penstock::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FreshPipeline : public ScheduledPipeline {
 protected:
  FreshPipeline() {
    SetSpec("schedules: [{name: hourly, cron: '@hourly', finishWithin: 20m}]\n");
    o_.pipeline.meta.created = At("2026-11-28T05:00:00Z");
  }
  // "True Fresh: message".
  std::string Fresh() const {
    const auto* fresh = api::FindCondition(o_.pipeline.status.conditions, kFresh);
    if (fresh == nullptr) return "";
    return std::string(fresh->status == api::ConditionStatus::kTrue ? "True " : "False ") +
           fresh->reason + ": " + fresh->message;
  }
  std::string FreshAt(const std::string& time) {
    Visit(time);
    return Fresh();
  }
  void Fail(api::PipelineRun& run) {
    End(run, At("2026-11-28T06:05:00Z"));
    api::SetCondition(run.status.conditions,
                      {"Succeeded", api::ConditionStatus::kFalse, "StepFailed", "", 1, {}},
                      At("2026-11-28T06:05:00Z"));
  }
};

TEST_F(FreshPipeline, IsLateWhenTheRunOfATimeIsNotOverInTime) {
  EXPECT_EQ(FreshAt("2026-11-28T05:30:00Z"), "True Fresh: ");
  EXPECT_EQ(FreshAt("2026-11-28T06:00:00Z"), "True Fresh: ");
  EXPECT_EQ(FreshAt("2026-11-28T06:19:59Z"), "True Fresh: ");
  EXPECT_EQ(plan_.requeue_after, Milliseconds(1000)) << "it is late by time alone";
  EXPECT_EQ(FreshAt("2026-11-28T06:20:00Z"),
            "False Late: the run for 2026-11-28T06:00:00Z of the schedule hourly should have "
            "succeeded by 2026-11-28T06:20:00Z (finishWithin 20m): " +
                o_.runs.at(0).meta.name + " is not over");
  EXPECT_THAT(Events(), HasSubstr("Warning Late: the run for 2026-11-28T06:00:00Z"));
  Visit("2026-11-28T06:21:00Z");
  EXPECT_THAT(Events(), Not(HasSubstr("Late"))) << "once";
  EndAll("2026-11-28T06:25:00Z");
  EXPECT_EQ(FreshAt("2026-11-28T06:25:00Z"), "True Fresh: ");
  EXPECT_THAT(Events(), HasSubstr("Normal Fresh: "));
}

TEST_F(FreshPipeline, IsInTimeWhereTheRunSucceededAndStaysSoWhenThatIsDeleted) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EndAll("2026-11-28T06:10:00Z");
  Visit("2026-11-28T06:10:00Z");
  o_.runs.clear();
  EXPECT_EQ(FreshAt("2026-11-28T06:30:00Z"), "True Fresh: ");
}

TEST_F(FreshPipeline, SaysWhyThereIsNoSuccess) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  Fail(o_.runs.at(0));
  EXPECT_THAT(FreshAt("2026-11-28T06:30:00Z"), HasSubstr(o_.runs.at(0).meta.name + " has failed"));
  o_.runs.clear();
  EXPECT_THAT(FreshAt("2026-11-28T06:31:00Z"), HasSubstr(": there is none"));
}

// A later time has its run: what is there is fresher than what was missed.
TEST_F(FreshPipeline, IsFreshAgainWhenTheRunOfALaterTimeHasSucceeded) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  Fail(o_.runs.at(0));
  EXPECT_THAT(FreshAt("2026-11-28T06:59:00Z"), HasSubstr("False Late"));
  Visit("2026-11-28T07:00:00Z");
  ASSERT_EQ(o_.runs.size(), 2U);
  End(o_.runs.at(1), At("2026-11-28T07:05:00Z"));
  EXPECT_EQ(FreshAt("2026-11-28T07:05:00Z"), "True Fresh: ");
}

TEST_F(FreshPipeline, IsLateForNoTimeBeforeItWasWatchedOrWhileItWasSuspended) {
  Visit("2026-11-28T05:30:00Z");
  spec().schedules[0].suspend = true;
  Visit("2026-11-28T05:59:00Z");
  EXPECT_EQ(FreshAt("2026-11-28T06:30:00Z"), "True Fresh: ");
  spec().schedules[0].suspend = false;
  EXPECT_EQ(FreshAt("2026-11-28T06:40:00Z"), "True Fresh: ");
  Visit("2026-11-28T07:00:00Z");
  EXPECT_THAT(FreshAt("2026-11-28T07:20:00Z"), HasSubstr("2026-11-28T07:00:00Z"));
}

// An invalid spec starts nothing, which is what the deadline is there to tell.
TEST_F(FreshPipeline, IsLateWhileItsSpecIsInvalid) {
  Visit("2026-11-28T05:30:00Z");
  o_.spec_errors = {{"spec.steps", "no"}};
  EXPECT_THAT(FreshAt("2026-11-28T06:20:00Z"), HasSubstr("False Late"));
}

TEST_F(FreshPipeline, IsLateWhenTheLastSuccessIsTooOld) {
  SetSpec("freshness: {maxAge: 2h}\n");
  EXPECT_EQ(FreshAt("2026-11-28T06:59:00Z"), "True Fresh: ");
  EXPECT_EQ(plan_.requeue_after, Milliseconds(60'000));
  EXPECT_THAT(FreshAt("2026-11-28T07:00:00Z"),
              HasSubstr("no run has succeeded since 2026-11-28T05:00:00Z"));
  o_.runs.emplace_back().meta.name = "by-hand";
  o_.runs[0].spec.pipeline_ref = "flights";
  EndAll("2026-11-28T07:30:00Z");
  EXPECT_EQ(FreshAt("2026-11-28T07:30:00Z"), "True Fresh: ");
  o_.runs.clear();
  EXPECT_EQ(FreshAt("2026-11-28T09:29:00Z"), "True Fresh: ");
  EXPECT_THAT(FreshAt("2026-11-28T09:30:00Z"),
              HasSubstr("ended at 2026-11-28T07:30:00Z, over freshness.maxAge (2h) ago"));
}

// What follows from the outputs of an earlier run is as old as these.
TEST_F(FreshPipeline, IsNotMadeFreshByARunInWhichSomethingOlderStoodIn) {
  SetSpec("freshness: {maxAge: 2h}\n");
  o_.runs.emplace_back().meta.name = "by-hand";
  o_.runs[0].spec.pipeline_ref = "flights";
  api::SetCondition(o_.runs[0].status.conditions,
                    {kLastGoodUsed, api::ConditionStatus::kTrue, "StepFailed", "", 1, {}},
                    At("2026-11-28T06:30:00Z"));
  EndAll("2026-11-28T06:30:00Z");
  EXPECT_EQ(OutcomeOf(o_.runs[0]), RunOutcome::kSucceeded);
  EXPECT_EQ(FreshAt("2026-11-28T06:59:00Z"), "True Fresh: ");
  EXPECT_THAT(FreshAt("2026-11-28T07:00:00Z"),
              HasSubstr("no run has succeeded since 2026-11-28T05:00:00Z"));
}

TEST_F(FreshPipeline, SaysNothingWhereNothingIsAsked) {
  FreshAt("2026-11-28T06:30:00Z");
  EXPECT_THAT(Fresh(), Not(IsEmpty()));
  SetSpec("schedules: [{name: hourly, cron: '@hourly'}]\n");
  EXPECT_EQ(FreshAt("2026-11-28T06:31:00Z"), "");
  EXPECT_FALSE(Status().watched);
}

}  // namespace
}  // namespace penstock::plan
