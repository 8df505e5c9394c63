#include "operator/plan/pipeline/backfill_plan.h"

#include <algorithm>
#include <set>

#include "operator/base/try.h"
#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::plan {
namespace {

using std::chrono::days;

bool IsDate(const std::string& text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-';
}

// The first instant of a date, or of the day after it.
Result<TimePoint> Midnight(const std::string& date, const Zone& zone, days later) {
  PENSTOCK_ASSIGN(const TimePoint utc, ParseTime(date + "T00:00:00Z"));
  const auto local = std::chrono::floor<days>(utc) + later;
  // A month that is too short for its day would be read as the next one.
  if (FormatTime(utc).substr(0, 10) != date) return Invalid("'" + date + "' is no date");
  return zone.At(local).first;
}

Error TooMany() {
  return Invalid("that is more than " + std::to_string(kMostBackfills) +
                 " runs: take a shorter span, and then the next");
}

std::string FreeName(const std::string& name, const std::set<std::string>& taken) {
  if (!taken.contains(name)) return name;
  for (int n = 2;; ++n) {
    std::string next = name + "-" + std::to_string(n);
    if (!taken.contains(next)) return next;
  }
}

}  // namespace

Result<Span> SpanOf(const std::string& from, const std::string& to, const Zone& zone,
                    TimePoint now) {
  const auto read = [&](const std::string& text, const char* flag,
                        days later) -> Result<TimePoint> {
    auto time = IsDate(text) ? Midnight(text, zone, later) : ParseTime(text);
    if (!time)
      return Invalid(std::string(flag) + " '" + text +
                     "' is no time: write a date like 2026-11-28 or a time like "
                     "2026-11-28T06:00:00Z");
    return time;
  };
  Span span;
  PENSTOCK_ASSIGN(span.from, read(from, "--from", days(0)));
  PENSTOCK_ASSIGN(span.to, read(to, "--to", days(1)));
  if (IsDate(to)) span.to -= std::chrono::seconds(1);
  if (span.to < span.from) return Invalid("--to is before --from");
  if (span.from > now)
    return Invalid("--from " + FormatTime(span.from) +
                   " has not come yet; the schedule makes those runs");
  span.to = std::min(span.to, now);
  return span;
}

Result<std::vector<TimePoint>> BackfillTimes(const Timetable& table, const Span& span) {
  auto times = Firings(table, span.from - std::chrono::seconds(1), span.to, kMostBackfills + 1);
  if (times.size() > kMostBackfills) return TooMany();
  return times;
}

Result<std::vector<TimePoint>> BackfillTimes(Milliseconds every, const Span& span) {
  if (every < std::chrono::minutes(1) || every % std::chrono::minutes(1) != Milliseconds{0})
    return Invalid("--every is whole minutes, like 15m or 24h: a run is named by its minute");
  std::vector<TimePoint> times;
  for (TimePoint t = span.from; t <= span.to; t += every) {
    times.push_back(t);
    if (times.size() > kMostBackfills) return TooMany();
  }
  return times;
}

std::vector<BackfillStep> PlanBackfill(const std::string& pipeline, const std::string& schedule,
                                       std::optional<Span> settled,
                                       const std::vector<TimePoint>& times,
                                       const std::vector<api::PipelineRun>& runs,
                                       Reprocess reprocess) {
  std::set<std::string> taken;
  std::map<TimePoint, std::vector<const api::PipelineRun*>> by_time;
  for (const api::PipelineRun& run : runs) {
    taken.insert(run.meta.name);
    const auto& time = run.spec.scheduled_time;
    if (time && IsForTime(run, schedule, *time)) by_time[*time].push_back(&run);
  }
  std::vector<BackfillStep> steps;
  for (const TimePoint t : times) {
    BackfillStep step{t, FreeName(ScheduledRunName(pipeline, schedule, t), taken), "", false};
    const auto& there = by_time[t];
    step.run_is_gone = there.empty() && settled && settled->from <= t && t <= settled->to;
    const auto with = [&](RunOutcome outcome) {
      const auto it = std::find_if(there.begin(), there.end(),
                                   [&](const auto* r) { return OutcomeOf(*r) == outcome; });
      return it == there.end() ? nullptr : *it;
    };
    const api::PipelineRun* keeps = with(RunOutcome::kActive);
    if (keeps == nullptr && reprocess != Reprocess::kCompleted)
      keeps = with(RunOutcome::kSucceeded);
    if (keeps == nullptr && reprocess == Reprocess::kNone && !there.empty()) keeps = there.back();
    if (keeps != nullptr) {
      const RunOutcome outcome = OutcomeOf(*keeps);
      step.run = keeps->meta.name;
      step.skipped = outcome == RunOutcome::kActive ? "goes on" : Name(outcome);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

BackfillEnd EndOf(const std::vector<std::string>& made, const std::vector<api::PipelineRun>& runs) {
  std::map<std::string, const api::PipelineRun*> there;
  for (const api::PipelineRun& run : runs) there.emplace(run.meta.name, &run);
  BackfillEnd end;
  for (const std::string& name : made) {
    const auto run = there.find(name);
    if (run == there.end())
      end.lines.push_back("run " + name + ": was deleted before its end was seen");
    else if (OutcomeOf(*run->second) == RunOutcome::kSucceeded)
      ++end.succeeded;
    else
      end.lines.push_back("run " + name + ": " + Name(OutcomeOf(*run->second)));
  }
  return end;
}

std::string HowToGoOn(std::size_t made, std::optional<TimePoint> next, Reprocess reprocess) {
  const std::string so_far = std::to_string(made) + " runs were made and go on; ";
  if (!next) return so_far + "there are no more to make";
  if (reprocess == Reprocess::kNone) return so_far + "the same command makes the rest";
  return so_far + "the same command with --from " + FormatTime(*next) +
         " makes the rest; without it those that have " +
         (reprocess == Reprocess::kFailed ? "failed" : "ended") +
         " meanwhile would be made once more";
}

}  // namespace penstock::plan
