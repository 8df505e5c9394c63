#include "operator/plan/resolve/schedule_check.h"

#include <gmock/gmock.h>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Problems(const std::string& yaml) {
  std::vector<std::string> out;
  const auto spec = Spec(yaml + "steps:\n- {name: s, container: {image: i, command: [a]}}\n");
  for (const auto& e : Resolve("own", spec, {}, {}).errors)
    out.push_back(e.path + ": " + e.message);
  return out;
}

TEST(SchedulesOfAPipeline, ThatCannotFireAreRefusedWithTheirPaths) {
  EXPECT_THAT(
      Problems("schedules:\n- {name: a, cron: 0 0 31 4 *}\n- {name: b, cron: '@daily', timeZone: "
               "Asia/Soul}\n"),
      ElementsAre(HasSubstr("spec.schedules[0].cron: '0 0 31 4 *' never comes"),
                  HasSubstr("spec.schedules[1].timeZone: 'Asia/Soul' is no time zone")));
  EXPECT_THAT(Problems("schedules: [{name: a, cron: '@daily', timeZone: Asia/Seoul}]\n"
                       "schedulePolicy: {missed: All, startingDeadline: 1h}\n"),
              ElementsAre());
  EXPECT_THAT(Problems("schedulePolicy: {startingDeadline: 0s}\n"),
              ElementsAre(HasSubstr("startingDeadline: must be above 0")));
}

TEST(SchedulesOfAPipeline, GiveTheParametersThatHaveNoDefault) {
  const std::string parameters =
      "parameters: [{name: day}, {name: rate, type: number, default: 1}]\n";
  EXPECT_THAT(
      Problems("runPolicy: Manual\n" + parameters + "schedules: [{name: a, cron: '@daily'}]\n"),
      ElementsAre(HasSubstr("spec.schedules[0].parameters: nothing gives a value to 'day'"),
                  HasSubstr("spec.parameters.day: is required")));
  EXPECT_THAT(Problems(parameters + "schedules:\n- name: a\n  cron: '@daily'\n  parameters: {day: "
                                    "$(run.scheduledTime), rate: fast, other: 1}\n"),
              ElementsAre(HasSubstr("spec.schedules[0].parameters.other: the pipeline has no"),
                          HasSubstr("spec.schedules[0].parameters.rate: "),
                          HasSubstr("spec.parameters.day: is required")));
  EXPECT_THAT(Problems("parameters: [{name: day, default: x}]\nschedules:\n- {name: a, cron: "
                       "'@daily', parameters: {day: $(run.name)}}\n"),
              ElementsAre(HasSubstr("$(run.name) cannot stand in a schedule's parameters")));
}

TEST(SchedulesOfAPipeline, PutTheirTimeIntoParameters) {
  api::ScheduleSpec schedule;
  schedule.parameters = {{"day", "of $(run.scheduledTime)"}, {"list", {"$(run.scheduledTime)", 1}}};
  const auto values = ParametersAt(schedule, kNoon);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->at("day"), "of 2026-11-21T12:00:00Z");
  EXPECT_EQ(values->at("list"), Json({"2026-11-21T12:00:00Z", 1}));
}

TEST(TriggersOfAPipeline, FollowOthersAndEachOnce) {
  EXPECT_THAT(Problems("triggers: [{pipeline: raw, output: t}, {pipeline: raw, output: t}]\n"),
              ElementsAre(HasSubstr("spec.triggers[1]: raw.t stands there twice")));
  EXPECT_THAT(
      Problems("triggers: [{source: 'https://a.example/x', interval: 5s}, {source: nowhere}]\n"),
      ElementsAre(HasSubstr("spec.triggers[0].interval: must be 1m or more"),
                  HasSubstr("spec.triggers[1].source: ")));
  EXPECT_THAT(Problems("triggers: [{pipeline: own, output: t}]\n"),
              ElementsAre(HasSubstr("is this Pipeline itself")));
  EXPECT_THAT(Problems("runPolicy: Manual\nparameters: [{name: day}]\n"
                       "triggers: [{pipeline: raw, output: t}]\n"),
              ElementsAre(HasSubstr("spec.triggers: nothing gives a value to 'day'"),
                          HasSubstr("spec.parameters.day: is required")));
}

}  // namespace
}  // namespace penstock::plan
