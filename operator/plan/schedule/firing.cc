#include "operator/plan/schedule/firing.h"

#include <algorithm>

#include "operator/base/try.h"

namespace penstock::plan {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;

// Beyond a day's own instants, a gap or an overlap at midnight mixes those of two days; and a local
// day is at most a day off that of UTC.
constexpr days kMargin{1};

void AddInstants(const Timetable& table, LocalMinute local, std::vector<TimePoint>& out) {
  const Zone::Instants at = table.zone.At(local);
  const bool every_match =
      table.cron.hours.all() || table.daylight_saving == api::DaylightSaving::kEveryMatch;
  if (at.gap && (every_match || table.daylight_saving == api::DaylightSaving::kSkip)) return;
  out.push_back(at.first);
  if (at.twice && every_match) out.push_back(at.second);
}

// Of one local day, in no order.
void AddDay(const Timetable& table, sys_days day, std::vector<TimePoint>& out) {
  const std::chrono::year_month_day date(day);
  if (!table.cron.IsOnDay(static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                          std::chrono::weekday(day).c_encoding()))
    return;
  const bool even = table.zone.IsEvenDay(day);
  const TimePoint midnight = table.zone.At(day).first;
  for (int hour = 0; hour < 24; ++hour) {
    if (!table.cron.hours.test(static_cast<std::size_t>(hour))) continue;
    for (int minute = 0; minute < 60; ++minute) {
      if (!table.cron.minutes.test(static_cast<std::size_t>(minute))) continue;
      const auto of_day = hours(hour) + minutes(minute);
      if (even)
        out.push_back(midnight + of_day);
      else
        AddInstants(table, day + of_day, out);
    }
  }
}

sys_days LocalDay(const Timetable& table, TimePoint t) {
  return std::chrono::floor<days>(table.zone.LocalOf(t));
}

void SortOnce(std::vector<TimePoint>& times) {
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
}

}  // namespace

Result<Timetable> TimetableOf(const api::ScheduleSpec& schedule) {
  Timetable table;
  table.daylight_saving = schedule.daylight_saving;
  PENSTOCK_ASSIGN(table.cron, ParseCron(schedule.cron));
  PENSTOCK_ASSIGN(table.zone, FindZone(schedule.time_zone));
  return table;
}

std::optional<TimePoint> NextFiring(const Timetable& table, TimePoint after) {
  constexpr days kLongest{12 * 366};
  const sys_days from = LocalDay(table, after) - kMargin;
  std::vector<TimePoint> times;
  std::optional<sys_days> found;
  for (sys_days day = from; day <= from + kLongest; day += days(1)) {
    AddDay(table, day, times);
    std::erase_if(times, [&](TimePoint t) { return t <= after; });
    if (found && day > *found) break;
    if (!found && !times.empty()) found = day;
  }
  const auto first = std::min_element(times.begin(), times.end());
  return first == times.end() ? std::nullopt : std::optional(*first);
}

std::vector<TimePoint> Firings(const Timetable& table, TimePoint after, TimePoint until,
                               std::size_t limit) {
  std::vector<TimePoint> times;
  if (until <= after) return times;
  const sys_days first = LocalDay(table, after) - kMargin;
  std::optional<sys_days> enough;
  for (sys_days day = LocalDay(table, until) + kMargin; day >= first; day -= days(1)) {
    AddDay(table, day, times);
    std::erase_if(times, [&](TimePoint t) { return t <= after || t > until; });
    if (enough && day < *enough) break;
    if (!enough && times.size() > limit) enough = day;
  }
  SortOnce(times);
  if (times.size() > limit)
    times.erase(times.begin(), times.end() - static_cast<std::ptrdiff_t>(limit));
  return times;
}

}  // namespace penstock::plan
