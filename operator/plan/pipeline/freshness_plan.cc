#include "operator/plan/pipeline/freshness_plan.h"

#include <algorithm>

#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/pipeline/world.h"
#include "operator/plan/schedule/firing.h"
#include "operator/plan/step/run_outcome.h"

namespace penstock::plan {
namespace {

class Watch {
 public:
  Watch(const api::Pipeline& pipeline, const std::vector<const api::PipelineRun*>& runs,
        TimePoint now, api::PipelineStatus& status)
      : p_(pipeline), runs_(runs), now_(now), status_(status) {}

  Freshness Plan() {
    OfPipeline();
    for (const api::ScheduleSpec& schedule : p_.spec.schedules) OfSchedule(schedule);
    return std::move(out_);
  }

 private:
  void Late(const std::string& what) { out_.late += (out_.late.empty() ? "" : "; ") + what; }
  void LookAgain(TimePoint t) { out_.look_again = std::min(out_.look_again.value_or(t), t); }

  void OfPipeline() {
    const auto& max_age = p_.spec.freshness.max_age;
    status_.last_success = max_age ? LastSuccess() : std::nullopt;
    if (!max_age) return;
    out_.declared = true;
    if (p_.spec.suspend) return;
    const auto from = status_.last_success ? status_.last_success : p_.meta.created;
    const TimePoint end = from.value_or(now_) + *max_age;
    if (end > now_) return LookAgain(end);
    Late(status_.last_success
             ? "the last run that succeeded ended at " + FormatTime(*from) +
                   ", over freshness.maxAge (" + FormatDuration(*max_age) + ") ago"
             : "no run has succeeded since " + FormatTime(from.value_or(now_)) +
                   ", when the Pipeline was made: freshness.maxAge is " + FormatDuration(*max_age));
  }

  [[nodiscard]] std::optional<TimePoint> LastSuccess() const {
    std::optional<TimePoint> last = p_.status.last_success;
    for (const api::PipelineRun* run : runs_)
      if (OutcomeOf(*run) == RunOutcome::kSucceeded && run->status.finish_time &&
          !UsedLastGood(*run))
        last = std::max(last.value_or(*run->status.finish_time), *run->status.finish_time);
    return last;
  }

  void OfSchedule(const api::ScheduleSpec& schedule) {
    const auto found = std::find_if(status_.schedules.begin(), status_.schedules.end(),
                                    [&](const auto& s) { return s.name == schedule.name; });
    if (found == status_.schedules.end()) return;
    api::ScheduleStatus& known = *found;
    if (!schedule.finish_within) {
      known.watched.reset();
      known.last_succeeded.reset();
      return;
    }
    out_.declared = true;
    for (const api::PipelineRun* run : runs_)
      if (run->spec.scheduled_time && LabelOf(*run, kLabelSchedule) == schedule.name &&
          OutcomeOf(*run) == RunOutcome::kSucceeded)
        known.last_succeeded = std::max(known.last_succeeded.value_or(*run->spec.scheduled_time),
                                        *run->spec.scheduled_time);
    if (p_.spec.suspend || schedule.suspend) {
      known.watched.reset();  // what passes meanwhile is left out for good
      return;
    }
    if (!known.watched) known.watched = WholeSeconds(now_);
    // A time before that may have been the schedule's under another rule.
    const TimePoint from = std::max(*known.watched, known.last_succeeded.value_or(*known.watched));
    const auto table = TimetableOf(schedule);
    if (!table) return;  // the spec's errors say so
    const TimePoint due = now_ - *schedule.finish_within;
    const std::vector<TimePoint> late = Firings(*table, from, due, 1);
    if (!late.empty()) Late(WhyLate(schedule, late.back()));
    if (const auto next = NextFiring(*table, std::max(from, due)))
      LookAgain(*next + *schedule.finish_within);
  }

  [[nodiscard]] std::string WhyLate(const api::ScheduleSpec& schedule, TimePoint time) const {
    const api::PipelineRun* its = nullptr;
    for (const api::PipelineRun* run : runs_)
      if (IsForTime(*run, schedule.name, time)) its = run;
    const std::string what = "the run for " + FormatTime(time) + " of the schedule " +
                             schedule.name + " should have succeeded by " +
                             FormatTime(time + *schedule.finish_within) + " (finishWithin " +
                             FormatDuration(*schedule.finish_within) + ")";
    if (its == nullptr) return what + ": there is none";
    switch (OutcomeOf(*its)) {
      case RunOutcome::kActive:
        return what + ": " + its->meta.name + " is not over";
      case RunOutcome::kCancelled:
        return what + ": " + its->meta.name + " was cancelled";
      case RunOutcome::kFailed:
      case RunOutcome::kSucceeded:
        break;
    }
    return what + ": " + its->meta.name + " has failed";
  }

  const api::Pipeline& p_;
  const std::vector<const api::PipelineRun*>& runs_;
  const TimePoint now_;
  api::PipelineStatus& status_;
  Freshness out_;
};

}  // namespace

Freshness PlanFreshness(const api::Pipeline& pipeline,
                        const std::vector<const api::PipelineRun*>& runs, TimePoint now,
                        api::PipelineStatus& status) {
  return Watch(pipeline, runs, now, status).Plan();
}

}  // namespace penstock::plan
