// The instants at which a schedule fires: a cron expression in a zone. Pure but for zoneinfo.
//
// What a change of the clock does, by `daylightSaving`:
//   a time of day that the clock leaves out (a gap)   FireAfterGap: the first instant after it,
//                                                     Skip, EveryMatch: never
//   a time of day that comes twice (an overlap)       FireAfterGap, Skip: the first; EveryMatch:
//   both
// An expression whose hour is * goes by the clock on the wall whatever is chosen (EveryMatch): one
// of every five minutes fires every five minutes, in both hours of an overlap too, and no more in a
// gap. Two times of day that come to one instant fire once.
#pragma once

#include <optional>
#include <vector>

#include "operator/api/schedule.h"
#include "operator/plan/schedule/cron.h"
#include "operator/plan/schedule/zone.h"

namespace penstock::plan {

struct Timetable {
  Cron cron;
  Zone zone;
  api::DaylightSaving daylight_saving = api::DaylightSaving::kFireAfterGap;
};

// Invalid with what is wrong of expression or zone.
[[nodiscard]] Result<Timetable> TimetableOf(const api::ScheduleSpec& schedule);

// The first instant after `after`; nullopt where none comes in the next 12 years (29 February
// comes within eight).
[[nodiscard]] std::optional<TimePoint> NextFiring(const Timetable& table, TimePoint after);

// Instants t with after < t <= until, ascending; of more than `limit` the newest, which is at most
// some thousand.
[[nodiscard]] std::vector<TimePoint> Firings(const Timetable& table, TimePoint after,
                                             TimePoint until, std::size_t limit);

}  // namespace penstock::plan
