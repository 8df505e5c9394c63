// The oracle walks every minute of a year through the C library's zones, which read the same
// zoneinfo by other code.
#include "operator/plan/schedule/firing.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>
#include <random>
#include <set>

namespace penstock::plan {
namespace {

using api::DaylightSaving;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kZones[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
                                  "Asia/Seoul"};

TimePoint At(const std::string& text) { return ParseTime(text).value(); }

Timetable Table(const std::string& cron, const std::string& zone,
                DaylightSaving rule = DaylightSaving::kFireAfterGap) {
  api::ScheduleSpec schedule;
  schedule.cron = cron;
  schedule.time_zone = zone;
  schedule.daylight_saving = rule;
  auto table = TimetableOf(schedule);
  EXPECT_TRUE(table) << table.error().message;
  return *table;
}

std::vector<std::string> Texts(const std::vector<TimePoint>& times) {
  std::vector<std::string> out;
  for (const TimePoint t : times) out.push_back(FormatTime(t));
  return out;
}

std::vector<std::string> Between(const Timetable& table, const std::string& after,
                                 const std::string& until) {
  return Texts(Firings(table, At(after), At(until), 1000));
}

// The minutes of a stretch of time, and what the C library's clock on the wall shows in them.
class WalkedTime {
 public:
  WalkedTime(const std::string& zone, const std::string& after, const std::string& until) {
    setenv("TZ", zone.c_str(), 1);
    tzset();
    std::set<std::time_t> shown;  // of the day before and this one
    std::time_t before = 0;
    for (TimePoint t = At(after) - minutes(1500); t <= At(until); t += minutes(1)) {
      const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
      Minute now{t, {}, false, {}};
      localtime_r(&seconds, &now.wall);
      std::tm wall = now.wall;
      const std::time_t number = timegm(&wall) / 60;  // grows by one a minute, but for changes
      now.again = !shown.insert(number).second;
      for (std::time_t m = before + 1; before != 0 && m < number; ++m) {
        const std::time_t left_out = m * 60;
        gmtime_r(&left_out, &now.left_out.emplace_back());
      }
      if (shown.size() > 3000) shown.erase(shown.begin());
      before = number;
      if (t > At(after)) minutes_.push_back(std::move(now));
    }
    unsetenv("TZ");
    tzset();
  }

  // What the rules of firing.h say, minute by minute.
  [[nodiscard]] std::vector<TimePoint> Fired(const Timetable& table) const {
    const DaylightSaving rule =
        table.cron.hours.all() ? DaylightSaving::kEveryMatch : table.daylight_saving;
    std::vector<TimePoint> fired;
    for (const Minute& m : minutes_) {
      bool fires = Matches(table.cron, m.wall) && !(m.again && rule != DaylightSaving::kEveryMatch);
      if (rule == DaylightSaving::kFireAfterGap)
        for (const std::tm& left_out : m.left_out) fires = fires || Matches(table.cron, left_out);
      if (fires) fired.push_back(m.t);
    }
    return fired;
  }

 private:
  struct Minute {
    TimePoint t;
    std::tm wall;
    bool again;                     // the wall has shown this before
    std::vector<std::tm> left_out;  // that it should have shown since the minute before
  };
  static bool Matches(const Cron& c, const std::tm& tm) {
    return c.minutes[static_cast<std::size_t>(tm.tm_min)] &&
           c.hours[static_cast<std::size_t>(tm.tm_hour)] &&
           c.IsOnDay(static_cast<unsigned>(tm.tm_mon + 1), static_cast<unsigned>(tm.tm_mday),
                     static_cast<unsigned>(tm.tm_wday));
  }
  std::vector<Minute> minutes_;
};

constexpr const char* kFrom = "2026-01-01T00:00:00Z";
constexpr const char* kTo = "2027-01-01T00:00:00Z";
constexpr DaylightSaving kRules[] = {DaylightSaving::kFireAfterGap, DaylightSaving::kSkip,
                                     DaylightSaving::kEveryMatch};

TEST(ASchedule, FiresWhenAWalkThroughEveryMinuteOfTheYearSaysSo) {
  const char* expressions[] = {"*/5 * * * *",     "30 2 * * *",  "30 1 * * *",
                               "15,45 1-3 * * *", "0 */2 * * *", "0 3 * * 0",
                               "30 2 8 3 *",      "45 1 1 11 *", "59 23 * * 1-5"};
  for (const char* zone : kZones) {
    const WalkedTime year(zone, kFrom, kTo);
    for (const char* cron : expressions) {
      for (const DaylightSaving rule : kRules) {
        SCOPED_TRACE(std::string(zone) + " " + cron + " " + std::to_string(static_cast<int>(rule)));
        const Timetable table = Table(cron, zone, rule);
        EXPECT_EQ(Firings(table, At(kFrom), At(kTo), 200'000), year.Fired(table));
      }
    }
  }
}

TEST(ASchedule, OfEveryFiveMinutesNeverPausesAndNeverHurries) {
  for (const char* zone : kZones) {
    const auto fired = Firings(Table("*/5 * * * *", zone), At(kFrom), At(kTo), 200'000);
    ASSERT_EQ(fired.size(), 105'120U);
    for (std::size_t i = 1; i < fired.size(); ++i)
      ASSERT_EQ(fired[i] - fired[i - 1], minutes(5)) << zone << " " << FormatTime(fired[i]);
  }
}

// At midnight, by a day, by half an hour, against the sun.
TEST(ASchedule, FiresAsTheWalkSaysInZonesOfOddChanges) {
  const struct {
    const char *zone, *from, *to;
  } changes[] = {{"America/Havana", "2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z"},
                 {"America/Havana", "2026-10-30T00:00:00Z", "2026-11-03T00:00:00Z"},
                 {"America/Sao_Paulo", "2018-11-02T00:00:00Z", "2018-11-06T00:00:00Z"},
                 {"America/Sao_Paulo", "2018-02-16T00:00:00Z", "2018-02-20T00:00:00Z"},
                 {"Pacific/Apia", "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z"},
                 {"Africa/Casablanca", "2026-02-13T00:00:00Z", "2026-02-17T00:00:00Z"},
                 {"Europe/Dublin", "2026-10-23T00:00:00Z", "2026-10-27T00:00:00Z"},
                 {"Asia/Pyongyang", "2015-08-13T00:00:00Z", "2015-08-17T00:00:00Z"}};
  for (const auto& change : changes) {
    const WalkedTime days(change.zone, change.from, change.to);
    for (const char* cron : {"0 0 * * *", "30 0 * * *", "*/15 0-3 * * *", "30 23 * * *",
                             "*/5 * * * *", "0 0 30 12 *", "15 */3 * * *"}) {
      for (const DaylightSaving rule : kRules) {
        SCOPED_TRACE(std::string(change.zone) + " " + change.from + " " + cron + " " +
                     std::to_string(static_cast<int>(rule)));
        const Timetable table = Table(cron, change.zone, rule);
        EXPECT_EQ(Texts(Firings(table, At(change.from), At(change.to), 5000)),
                  Texts(days.Fired(table)));
      }
    }
  }
}

TEST(ASchedule, HasNoOtherTimesWhenItIsAskedForThemOneByOne) {
  std::mt19937 random(5);
  for (const char* zone : kZones) {
    for (const char* cron : {"*/5 * * * *", "30 2 * * *", "30 1 * * *", "0 0 1 * *"}) {
      const Timetable table = Table(cron, zone);
      TimePoint t = At("2026-02-20T00:00:00Z") + minutes(random() % 1000);
      const TimePoint end = At("2026-11-20T00:00:00Z");
      const auto all = Firings(table, t, end, 200'000);
      std::vector<TimePoint> one_by_one;
      for (auto next = NextFiring(table, t); next && *next <= end; next = NextFiring(table, t)) {
        t = *next;
        one_by_one.push_back(t);
        if (one_by_one.size() > 3000) break;  // the sparse ones to the end
      }
      ASSERT_GE(all.size(), one_by_one.size());
      EXPECT_TRUE(std::equal(one_by_one.begin(), one_by_one.end(), all.begin())) << zone << cron;
    }
  }
}

TEST(ASchedule, InAGapFiresAtTheFirstInstantAfterItOrNotAtAll) {
  const char* from = "2026-03-08T06:00:00Z";
  const char* to = "2026-03-08T12:00:00Z";
  EXPECT_THAT(Between(Table("30 2 * * *", "America/New_York"), from, to),
              ElementsAre("2026-03-08T07:00:00Z"));
  EXPECT_THAT(Between(Table("30 2 * * *", "America/New_York", DaylightSaving::kSkip), from, to),
              IsEmpty());
  EXPECT_THAT(
      Between(Table("30 2 * * *", "America/New_York", DaylightSaving::kEveryMatch), from, to),
      IsEmpty());
  EXPECT_THAT(Between(Table("0,30 2,3 * * *", "America/New_York"), from, to),
              ElementsAre("2026-03-08T07:00:00Z", "2026-03-08T07:30:00Z"));
}

TEST(ASchedule, InAnOverlapFiresOnceOrTwice) {
  const char* from = "2026-11-01T04:00:00Z";
  const char* to = "2026-11-01T12:00:00Z";
  EXPECT_THAT(Between(Table("30 1 * * *", "America/New_York"), from, to),
              ElementsAre("2026-11-01T05:30:00Z"));
  EXPECT_THAT(Between(Table("30 1 * * *", "America/New_York", DaylightSaving::kSkip), from, to),
              ElementsAre("2026-11-01T05:30:00Z"));
  EXPECT_THAT(
      Between(Table("30 1 * * *", "America/New_York", DaylightSaving::kEveryMatch), from, to),
      ElementsAre("2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"));
}

TEST(ASchedule, FiresAfterAnInstantAndNotAtIt) {
  const Timetable table = Table("0 6 * * *", "");
  EXPECT_EQ(NextFiring(table, At("2026-11-28T06:00:00Z")), At("2026-11-29T06:00:00Z"));
  EXPECT_EQ(NextFiring(table, At("2026-11-28T05:59:59Z")), At("2026-11-28T06:00:00Z"));
  EXPECT_EQ(NextFiring(Table("0 0 29 2 *", "Asia/Seoul"), At("2096-03-01T00:00:00Z")),
            At("2104-02-28T15:00:00Z"))
      << "2100 is no leap year";
}

TEST(ASchedule, GivesTheNewestOfTooManyTimes) {
  const auto times =
      Firings(Table("* * * * *", ""), At("2026-01-01T00:00:00Z"), At("2026-11-28T06:00:30Z"), 3);
  EXPECT_THAT(Texts(times),
              ElementsAre("2026-11-28T05:58:00Z", "2026-11-28T05:59:00Z", "2026-11-28T06:00:00Z"));
}

TEST(ASchedule, InAZoneThatIsNoneNamesTheNearest) {
  const auto zone = FindZone("Asia/Soul");
  ASSERT_FALSE(zone);
  EXPECT_THAT(zone.error().message, HasSubstr("Asia/Seoul"));
  EXPECT_FALSE(FindZone("../../etc/passwd"));
  EXPECT_FALSE(FindZone("asia/seoul"));
  EXPECT_TRUE(FindZone("UTC"));
  EXPECT_TRUE(FindZone("Asia/Calcutta")) << "an old name";
}

}  // namespace
}  // namespace penstock::plan
