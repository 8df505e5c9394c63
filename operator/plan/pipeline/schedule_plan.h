// Which times of a Pipeline's schedules are due, and which are left out. Pure but for zoneinfo; who
// may start among the due ones is pipeline_plan.h's to say.
//
//        settled                               now
//   ---------|----x----x----x----x----x---------|-----------x------>
//             times in between: with a run (done), too old (startingDeadline), Skip: older than a
//             minute, Last: all but the newest, All: beyond the newest 100: left out; else due
//
// Where `settled` lies ahead, the clock went back: times up to it had their runs, and the next is
// after it. Where that is over a day, it is said, as only a person knows which clock was wrong.
//
// A schedule that is seen for the first time, was changed or was suspended counts from then on. The
// same holds where the status was lost (a restored cluster): what was due before is not made up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

inline constexpr std::size_t kMostMissed = 100;
inline constexpr Milliseconds kOnTime{60'000};           // a time so old is not missed yet
inline constexpr Milliseconds kClockMargin{86'400'000};  // a clock that is set back so far is told

struct DueTime {
  std::size_t schedule = 0;  // index in the spec, and in SchedulePlan::statuses
  TimePoint time;
};

struct SchedulePlan {
  std::vector<api::ScheduleStatus> statuses;  // in the order of the spec
  std::vector<DueTime> due;                   // the oldest first
  std::vector<RunEvent> events;
  // What does not fire before a time that is far ahead, with the way on.
  std::vector<std::string> clock_went_back;
  std::optional<TimePoint> next;  // of all
};

// The spec is valid. `runs` are all of the Pipeline that exist, those that are being deleted too.
[[nodiscard]] SchedulePlan PlanSchedules(const api::Pipeline& pipeline,
                                         const std::vector<api::PipelineRun>& runs, TimePoint now);

// The time is done with: it has its run now, or never will (then `why` says so in an event).
void Settle(SchedulePlan& plan, const DueTime& due, bool has_run);

}  // namespace penstock::plan
