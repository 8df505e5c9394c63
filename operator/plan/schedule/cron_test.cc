#include "operator/plan/schedule/cron.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "operator/plan/schedule/firing.h"

namespace penstock::plan {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  const auto cron = ParseCron(text);
  return cron ? "" : cron.error().message;
}

TEST(ACronExpression, FiresWhenKubernetesOwnLibrarySaysSo) {
  std::ifstream file(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testdata/robfig.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    const std::size_t bar = line.find(" | ");
    if (line.starts_with('#') || bar == std::string::npos) continue;
    SCOPED_TRACE(line);
    api::ScheduleSpec schedule;
    schedule.cron = line.substr(0, bar);
    const auto table = TimetableOf(schedule);
    ASSERT_TRUE(table) << table.error().message;
    TimePoint t = ParseTime("2026-02-27T12:34:00Z").value();
    std::istringstream wanted(line.substr(bar + 3));
    for (std::string time; wanted >> time; ++cases) {
      const auto next = NextFiring(*table, t);
      ASSERT_TRUE(next);
      EXPECT_EQ(FormatTime(*next), time + ":00Z");
      t = *next;
    }
  }
  EXPECT_GT(cases, 600);
}

TEST(ACronExpression, TakesSevenForSunday) {
  EXPECT_EQ(ParseCron("0 0 * * 7")->weekdays, ParseCron("0 0 * * 0")->weekdays);
  EXPECT_EQ(ParseCron("0 0 * * 5-7")->weekdays, ParseCron("0 0 * * FRI,sat,SUN")->weekdays);
  EXPECT_EQ(ParseCron("0 0 * * 7/2")->weekdays, ParseCron("0 0 * * 0/2")->weekdays);
}

TEST(ACronExpression, ThatCannotBeReadSaysWhatToWrite) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("has 0 fields, not five"));
  EXPECT_THAT(ErrorOf("0 0 6 * * 1-5"), HasSubstr("has 6 fields, not five"));
  EXPECT_THAT(ErrorOf("60 * * * *"), HasSubstr("minute '60' is not 0 to 59"));
  EXPECT_THAT(ErrorOf("0 24 * * *"), HasSubstr("hour '24' is not 0 to 23"));
  EXPECT_THAT(ErrorOf("0 0 0 * *"), HasSubstr("day of month '0' is not 1 to 31"));
  EXPECT_THAT(ErrorOf("0 0 L * *"), HasSubstr("day of month 'L' is not"));
  EXPECT_THAT(ErrorOf("0 0 * FOO *"), HasSubstr("month 'FOO' is not 1 to 12 or jan to dec"));
  EXPECT_THAT(ErrorOf("0 0 * * MON#2"), HasSubstr("day of week 'MON#2' is not"));
  EXPECT_THAT(ErrorOf("0 0 * * FRI-MON"), HasSubstr("write two ranges"));
  EXPECT_THAT(ErrorOf("*/0 * * * *"), HasSubstr("a step is a number from 1"));
  EXPECT_THAT(ErrorOf("*/5/2 * * * *"), HasSubstr("has two steps"));
  EXPECT_THAT(ErrorOf("1,,2 * * * *"), HasSubstr("minute '' is not"));
  EXPECT_THAT(ErrorOf("1-2-3 * * * *"), HasSubstr("is no range"));
  EXPECT_THAT(ErrorOf("-1 * * * *"), HasSubstr("minute '' is not"));
  EXPECT_THAT(ErrorOf("99999999999999999999 * * * *"), HasSubstr("is not 0 to 59"));
  EXPECT_THAT(ErrorOf("@every 5m"), HasSubstr("*/5 * * * *"));
  EXPECT_THAT(ErrorOf("@reboot"), HasSubstr("@daily"));
  EXPECT_THAT(ErrorOf("CRON_TZ=Asia/Seoul 0 6 * * *"), HasSubstr("timeZone"));
}

TEST(ACronExpression, ThatNoYearHoldsIsRefused) {
  EXPECT_THAT(ErrorOf("0 0 31 4 *"), HasSubstr("never comes"));
  EXPECT_THAT(ErrorOf("0 0 30,31 2 *"), HasSubstr("never comes"));
  EXPECT_THAT(ErrorOf("0 0 31 2,4,6,9,11 ?"), HasSubstr("never comes"));
  EXPECT_EQ(ErrorOf("0 0 29 2 *"), "");
  EXPECT_EQ(ErrorOf("0 0 31 4 1"), "") << "Mondays of April";
}

}  // namespace
}  // namespace penstock::plan
