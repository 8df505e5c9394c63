// `penstock backfill`: which past times get a run, and which have one. Pure but for zoneinfo.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/pipeline_run.h"
#include "operator/plan/pipeline/world.h"
#include "operator/plan/schedule/firing.h"

namespace penstock::plan {

// Of times that have a run: none is run again, those that failed, or all that have ended.
enum class Reprocess : std::uint8_t { kNone, kFailed, kCompleted };

inline constexpr std::size_t kMostBackfills = 10'000;

struct BackfillStep {
  TimePoint time;
  std::string run;      // its name; of a time that is left out, the run that it has
  std::string skipped;  // why it is left out; empty: it is to be made
  // The schedule has dealt with this time, and it has no run: that was deleted, or left out.
  bool run_is_gone = false;
};

// `from` and `to` as RFC 3339 times or dates of the zone ("2026-11-30": the whole day); both ends
// are in. Invalid where that is no span, or one that has not passed yet.
struct Span {
  TimePoint from, to;
};
[[nodiscard]] Result<Span> SpanOf(const std::string& from, const std::string& to, const Zone& zone,
                                  TimePoint now);

// The times of a schedule, or every so long from `from` on. Invalid where there are more than
// kMostBackfills.
[[nodiscard]] Result<std::vector<TimePoint>> BackfillTimes(const Timetable& table,
                                                           const Span& span);
[[nodiscard]] Result<std::vector<TimePoint>> BackfillTimes(Milliseconds every, const Span& span);

// `schedule`: its name, or "". `settled`: with these times the schedule has dealt. `runs`: all of
// the Pipeline.
[[nodiscard]] std::vector<BackfillStep> PlanBackfill(const std::string& pipeline,
                                                     const std::string& schedule,
                                                     std::optional<Span> settled,
                                                     const std::vector<TimePoint>& times,
                                                     const std::vector<api::PipelineRun>& runs,
                                                     Reprocess reprocess);

// What became of the runs that were made: a line for each that did not succeed, also for one that
// is not there any more.
struct BackfillEnd {
  std::size_t succeeded = 0;
  std::vector<std::string> lines;
};
[[nodiscard]] BackfillEnd EndOf(const std::vector<std::string>& made,
                                const std::vector<api::PipelineRun>& runs);

// How to go on where it was stopped before the run for `next` was made; nullopt: all were made. By
// Reprocess the same command would take those that have ended meanwhile again.
[[nodiscard]] std::string HowToGoOn(std::size_t made, std::optional<TimePoint> next,
                                    Reprocess reprocess);

}  // namespace penstock::plan
