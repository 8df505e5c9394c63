// A Pipeline and its clock: what is due is made once, whoever dies in between.
#include <gmock/gmock.h>

#include "operator/plan/pipeline/schedule_plan.h"
#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/pipeline/testing/scheduled_pipeline.h"

namespace penstock::plan {
namespace {

using api::ConcurrencyPolicy;
using api::MissedPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(ScheduledPipeline, MakesARunForATimeAndLooksAgainAtTheNext) {
  EXPECT_THAT(Visit("2026-11-28T05:30:00Z"), IsEmpty()) << "nothing was due since it is there";
  EXPECT_EQ(plan_.requeue_after, Milliseconds(30 * 60'000));
  EXPECT_EQ(FormatTime(*o_.pipeline.status.next_schedule), "2026-11-28T06:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T05:59:59Z"), IsEmpty());
  EXPECT_THAT(Visit("2026-11-28T06:00:00Z"), ElementsAre("06:00"));
  const api::PipelineRun& run = o_.runs.at(0);
  EXPECT_EQ(run.meta.name, "flights-202611280600-" + run.meta.name.substr(21));
  EXPECT_EQ(run.meta.name, ScheduledRunName("flights", "hourly", At("2026-11-28T06:00:00Z")));
  EXPECT_EQ(run.meta.labels.at(kLabelCause), "Schedule");
  EXPECT_EQ(run.meta.labels.at(kLabelSchedule), "hourly");
  EXPECT_EQ(FormatTime(*Status().last), "2026-11-28T06:00:00Z");
  EXPECT_EQ(FormatTime(*Status().next), "2026-11-28T07:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T06:00:01Z"), IsEmpty());
}

TEST_F(ScheduledPipeline, GivesTheRunItsParameters) {
  SetSpec(
      "parameters: [{name: day}]\n"
      "schedules: [{name: d, cron: '@daily', parameters: {day: of $(run.scheduledTime)}}]\n");
  Visit("2026-11-27T12:00:00Z");
  Visit("2026-11-28T00:00:05Z");
  ASSERT_EQ(o_.runs.size(), 1U);
  EXPECT_EQ(o_.runs[0].spec.parameters.at("day"), "of 2026-11-28T00:00:00Z");
}

TEST_F(ScheduledPipeline, MakesNoRunAgainWhoseRunWasDeleted) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  o_.runs.clear();
  EXPECT_THAT(Visit("2026-11-28T06:00:30Z"), IsEmpty());
}

TEST_F(ScheduledPipeline, TakesTheRunThatIsThereWhereTheStatusWasNotWritten) {
  Visit("2026-11-28T05:30:00Z");
  EXPECT_THAT(VisitAt(At("2026-11-28T06:00:00Z"), false), ElementsAre("06:00"));
  EXPECT_THAT(Visit("2026-11-28T06:00:10Z"), IsEmpty());
  EXPECT_EQ(FormatTime(*Status().last), "2026-11-28T06:00:00Z");
}

TEST_F(ScheduledPipeline, MakesUpNoOlderTimeWhereTheNewestHasItsRunAndTheStatusWasNotWritten) {
  Visit("2026-11-28T05:30:00Z");
  EXPECT_THAT(VisitAt(At("2026-11-28T09:10:00Z"), false), ElementsAre("09:00"));
  EXPECT_THAT(Visit("2026-11-28T09:10:10Z"), IsEmpty());
  EXPECT_EQ(FormatTime(*Status().next), "2026-11-28T10:00:00Z");
}

TEST_F(ScheduledPipeline, WhoseStatusWasLostCountsFromThenOn) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  o_.runs.clear();
  o_.pipeline.status = {};
  EXPECT_THAT(Visit("2026-11-28T08:30:00Z"), IsEmpty());
  EXPECT_THAT(Visit("2026-11-28T09:00:00Z"), ElementsAre("09:00"));
}

TEST_F(ScheduledPipeline, MakesUpTheLastOfTheMissedTimesUnlessItIsToldOtherwise) {
  spec().concurrency.policy = ConcurrencyPolicy::kAllow;
  const auto restart = [&](MissedPolicy policy) {
    o_.runs.clear();
    o_.pipeline.status = {};
    spec().schedule_policy.missed = policy;
    Visit("2026-11-28T05:30:00Z");
    return Visit("2026-11-28T09:10:00Z");
  };
  EXPECT_THAT(restart(MissedPolicy::kLast), ElementsAre("09:00"));
  EXPECT_THAT(Events(), HasSubstr("Warning MissedSchedule: schedule hourly: 3 times up to "
                                  "2026-11-28T08:00:00Z were left out: schedulePolicy.missed is "
                                  "Last"));
  EXPECT_THAT(restart(MissedPolicy::kSkip), IsEmpty());
  EXPECT_THAT(Visit("2026-11-28T10:00:50Z"), ElementsAre("10:00")) << "not missed yet";
  EXPECT_THAT(restart(MissedPolicy::kAll), ElementsAre("06:00", "07:00", "08:00", "09:00"));
  spec().schedule_policy.starting_deadline = std::chrono::hours(2);
  EXPECT_THAT(restart(MissedPolicy::kAll), ElementsAre("08:00", "09:00"));
  EXPECT_THAT(Events(), HasSubstr("startingDeadline is 2h"));
  EXPECT_THAT(Visit("2026-11-28T09:20:00Z"), IsEmpty());
}

TEST_F(ScheduledPipeline, MakesUpNoMoreThanAHundredTimes) {
  SetSpec(
      "schedules: [{name: m, cron: '* * * * *'}]\nschedulePolicy: {missed: All}\n"
      "concurrency: {policy: Allow}\n");
  Visit("2026-11-27T00:00:00Z");
  std::size_t made = Visit("2026-11-28T00:00:00Z").size();
  EXPECT_EQ(made, 50U) << "of one visit";
  EXPECT_THAT(Events(), HasSubstr("of the times before 2026-11-27T22:21:00Z none has a run"));
  made += Visit("2026-11-28T00:00:01Z").size();
  EXPECT_EQ(made, kMostMissed);
  EXPECT_THAT(Visit("2026-11-28T00:00:02Z"), IsEmpty());
}

TEST_F(ScheduledPipeline, QueuesTheNewestTimeBehindTheRunThatGoesOn) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T07:00:00Z"), IsEmpty());
  EXPECT_EQ(api::FindCondition(plan_.status.conditions, "Ready")->reason, "Waiting");
  EXPECT_THAT(Visit("2026-11-28T08:00:00Z"), IsEmpty());
  EXPECT_THAT(Events(), HasSubstr("the time 2026-11-28T07:00:00Z was left out"));
  EndAll("2026-11-28T08:20:00Z");
  EXPECT_THAT(Visit("2026-11-28T08:20:00Z"), ElementsAre("08:00"));
}

TEST_F(ScheduledPipeline, QueuesEveryTimeWhereAllAreWanted) {
  spec().schedule_policy.missed = MissedPolicy::kAll;
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T08:00:00Z"), IsEmpty());
  EXPECT_THAT(api::FindCondition(plan_.status.conditions, "Ready")->message,
              HasSubstr("schedule hourly, 2026-11-28T07:00:00Z and 1 later times wait"));
  EndAll("2026-11-28T08:20:00Z");
  EXPECT_THAT(Visit("2026-11-28T08:20:00Z"), ElementsAre("07:00"));
  EndAll("2026-11-28T08:30:00Z");
  EXPECT_THAT(Visit("2026-11-28T08:30:00Z"), ElementsAre("08:00"));
}

TEST_F(ScheduledPipeline, ForbidLeavesOutWhatIsDueWhileARunGoesOn) {
  spec().concurrency.policy = ConcurrencyPolicy::kForbid;
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T07:00:00Z"), IsEmpty());
  EXPECT_THAT(Events(), HasSubstr("is left out: a run is going on"));
  EndAll("2026-11-28T07:20:00Z");
  EXPECT_THAT(Visit("2026-11-28T07:20:00Z"), IsEmpty());
  EXPECT_THAT(Visit("2026-11-28T08:00:00Z"), ElementsAre("08:00"));
}

TEST_F(ScheduledPipeline, ReplaceCancelsTheRunThatGoesOnFirst) {
  spec().concurrency.policy = ConcurrencyPolicy::kReplace;
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T07:00:00Z"), IsEmpty());
  EXPECT_THAT(cancelled_, ElementsAre(o_.runs[0].meta.name));
  EndAll("2026-11-28T07:00:05Z");
  EXPECT_THAT(Visit("2026-11-28T07:00:06Z"), ElementsAre("07:00"));
}

TEST_F(ScheduledPipeline, LeavesOutForGoodWhatPassesWhileItIsSuspended) {
  Visit("2026-11-28T05:30:00Z");
  spec().schedules[0].suspend = true;
  EXPECT_THAT(Visit("2026-11-28T05:40:00Z"), IsEmpty());
  EXPECT_EQ(plan_.requeue_after, std::nullopt) << "nothing is due";
  EXPECT_EQ(o_.pipeline.status.next_schedule, std::nullopt);
  EXPECT_THAT(Visit("2026-11-28T07:30:00Z"), IsEmpty());
  spec().schedules[0].suspend = false;
  EXPECT_THAT(Visit("2026-11-28T08:30:00Z"), IsEmpty());
  EXPECT_THAT(Visit("2026-11-28T09:00:00Z"), ElementsAre("09:00"));
}

TEST_F(ScheduledPipeline, CountsFromTheChangeOfItsExpression) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EndAll("2026-11-28T06:01:00Z");
  spec().schedules[0].cron = "30 * * * *";
  EXPECT_THAT(Visit("2026-11-28T06:50:00Z"), IsEmpty()) << "06:30 was before the change";
  EXPECT_THAT(Visit("2026-11-28T07:30:00Z"), ElementsAre("07:30"));
}

// A clock that was years ahead for a moment kept all schedules still for years, without a word.
TEST_F(ScheduledPipeline, ThatWaitsForAFarTimeSinceTheClockWentBackSaysSoAndHowToGoOn) {
  Visit("2030-01-01T05:30:00Z");
  Visit("2030-01-01T06:00:00Z");
  o_.runs.clear();
  EXPECT_THAT(Visit("2026-11-28T06:00:00Z"), IsEmpty()) << "it may be this clock that is wrong";
  const auto is = [&](const char* type) {
    const api::Condition* c = api::FindCondition(plan_.status.conditions, type);
    return std::string(c->status == api::ConditionStatus::kTrue ? "True " : "False ") + c->reason;
  };
  EXPECT_EQ(is("Ready"), "False ClockWentBack");
  EXPECT_EQ(is("Stalled"), "True ClockWentBack");
  EXPECT_THAT(api::FindCondition(plan_.status.conditions, "Ready")->message,
              HasSubstr("schedule hourly: its times up to 2030-01-01T06:00:00Z are done with"));
  EXPECT_THAT(Events(), HasSubstr("Warning ClockWentBack: schedule hourly"));
  EXPECT_EQ(FormatTime(*Status().next), "2030-01-01T07:00:00Z") << "not one that will not fire";
  const Json before = api::Encode(o_.pipeline.status);
  EXPECT_THAT(Visit("2026-11-28T06:00:01Z"), IsEmpty());
  EXPECT_EQ(Events(), "") << "once";
  EXPECT_EQ(api::Encode(plan_.status), before);
  spec().schedules[0].suspend = true;
  Visit("2026-11-28T06:10:00Z");
  EXPECT_EQ(is("Stalled").substr(0, 5), "False");
  spec().schedules[0].suspend = false;
  EXPECT_THAT(Visit("2026-11-28T06:20:00Z"), IsEmpty());
  EXPECT_EQ(is("Ready"), "True Valid");
  EXPECT_THAT(Visit("2026-11-28T07:00:00Z"), ElementsAre("07:00"));
}

TEST_F(ScheduledPipeline, WaitsForItsNextTimeWhereTheClockWasSetBackALittle) {
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EndAll("2026-11-28T06:00:00Z");
  EXPECT_THAT(Visit("2026-11-28T04:30:00Z"), IsEmpty());
  EXPECT_EQ(FormatTime(*Status().next), "2026-11-28T07:00:00Z") << "05:00 and 06:00 had their turn";
  EXPECT_EQ(api::FindCondition(plan_.status.conditions, "Ready")->reason, "Valid");
  EXPECT_THAT(Visit("2026-11-28T06:00:01Z"), IsEmpty());
  EXPECT_THAT(Visit("2026-11-28T07:00:00Z"), ElementsAre("07:00"));
}

// What was asked for beside a run that a quota refused was left out for good, though nothing ran.
TEST_F(ScheduledPipeline, ForbidLetsOthersWaitForARunThatWasRefused) {
  SetSpec(
      "concurrency: {policy: Forbid}\nschedules: [{name: a, cron: '@hourly'}, {name: b, cron: "
      "'@hourly'}]\n");
  Visit("2026-11-28T05:30:00Z");
  const std::string name = ScheduledRunName("flights", "a", At("2026-11-28T06:00:00Z"));
  o_.refusals = {{RunObject(name), {ErrorKind::kQuota, "exceeded quota: runs"}}};
  EXPECT_THAT(Visit("2026-11-28T06:00:00Z"), IsEmpty());
  EXPECT_THAT(Events(), Not(HasSubstr("left out")));
  EXPECT_EQ(FormatTime(*o_.pipeline.status.schedules.at(1).settled), "2026-11-28T05:30:00Z");
  o_.refusals.clear();
  EXPECT_THAT(Visit("2026-11-28T06:00:10Z"), ElementsAre("06:00"));
  EXPECT_EQ(o_.runs.at(0).meta.labels.at(kLabelSchedule), "a");
  EXPECT_THAT(Events(),
              HasSubstr("schedule b, 2026-11-28T06:00:00Z is left out: a run is going on"));
}

TEST_F(ScheduledPipeline, TriesAgainWhatWasRefused) {
  Visit("2026-11-28T05:30:00Z");
  const std::string name = ScheduledRunName("flights", "hourly", At("2026-11-28T06:00:00Z"));
  o_.refusals = {{RunObject(name), {ErrorKind::kQuota, "exceeded quota: runs"}}};
  EXPECT_THAT(Visit("2026-11-28T06:00:00Z"), IsEmpty());
  EXPECT_EQ(api::FindCondition(plan_.status.conditions, "Reconciling")->reason, "QuotaExceeded");
  o_.refusals.clear();
  EXPECT_THAT(Visit("2026-11-28T06:00:10Z"), ElementsAre("06:00"));
}

TEST_F(ScheduledPipeline, WithAnInvalidSpecFiresNotAndThenByItsPolicy) {
  Visit("2026-11-28T05:30:00Z");
  o_.spec_errors = {{"spec.steps[0]", "is wrong"}};
  EXPECT_THAT(Visit("2026-11-28T07:10:00Z"), IsEmpty());
  EXPECT_EQ(o_.pipeline.status.next_schedule, std::nullopt);
  o_.spec_errors.clear();
  EXPECT_THAT(Visit("2026-11-28T07:20:00Z"), ElementsAre("07:00"));
}

TEST_F(ScheduledPipeline, NamesApartWhatADashWouldMakeOne) {
  const TimePoint t = At("2026-11-28T06:00:00Z");
  EXPECT_NE(ScheduledRunName("a-b", "c", t), ScheduledRunName("a", "b-c", t));
  EXPECT_NE(ScheduledRunName("a", "b", t), ScheduledRunName("a", "c", t));
}

TEST_F(ScheduledPipeline, PublishesByTheTimeThatARunIsForAndNotByItsCreation) {
  spec().outputs["model"] = "$(steps.s.outputs.model)";
  const auto add = [&](const std::string& name, const std::string& scheduled,
                       const std::string& created, char digest) {
    api::PipelineRun run;
    run.meta.name = name;
    run.meta.created = At(created);
    run.spec.scheduled_time = At(scheduled);
    run.spec.pipeline_ref = "flights";
    run.status.outputs = {{"model", "model", Digest(digest), true, 1, name}};
    End(run, At(created));
    o_.runs.push_back(run);
  };
  add("today", "2026-11-28T00:00:00Z", "2026-11-28T00:00:00Z", 'a');
  add("backfilled", "2026-11-01T00:00:00Z", "2026-11-28T03:00:00Z", 'b');
  Visit("2026-11-28T04:00:00Z");
  EXPECT_EQ(plan_.status.outputs.at(0).run, "today");
  std::erase_if(o_.runs, [](const auto& r) { return r.meta.name == "today"; });
  Visit("2026-11-28T05:00:00Z");
  EXPECT_EQ(plan_.status.outputs.at(0).run, "today") << "it is gone, and what it gave stands";
}

TEST_F(ScheduledPipeline, DeletesEndedRunsByTheTimeThatTheirOutcomeHas) {
  SetSpec("ttlAfterFinished: {succeeded: 1h}\nschedules: [{name: hourly, cron: '@hourly'}]\n");
  Visit("2026-11-28T05:30:00Z");
  Visit("2026-11-28T06:00:00Z");
  EndAll("2026-11-28T06:10:00Z");
  o_.runs[0].meta.owners = {{"", "", "", "p-uid", true}};
  Visit("2026-11-28T06:10:01Z");
  Visit("2026-11-28T06:10:01Z");
  EXPECT_EQ(o_.runs.size(), 1U);
  EXPECT_LE(*plan_.requeue_after, Milliseconds(3'600'000));
  Visit("2026-11-28T06:59:00Z");
  EXPECT_EQ(plan_.requeue_after, Milliseconds(60'000));
  Visit("2026-11-28T07:10:00Z");
  Visit("2026-11-28T07:10:01Z");
  ASSERT_EQ(o_.runs.size(), 1U);
  EXPECT_EQ(FormatTime(*o_.runs[0].spec.scheduled_time), "2026-11-28T07:00:00Z");
}

}  // namespace
}  // namespace penstock::plan
