#include "operator/plan/pipeline/schedule_plan.h"

#include <algorithm>

#include "operator/plan/pipeline/scheduled_run.h"
#include "operator/plan/schedule/firing.h"

namespace penstock::plan {
namespace {

using api::MissedPolicy;

std::string RuleOf(const api::ScheduleSpec& s) {
  const char* const changes[] = {"FireAfterGap", "Skip", "EveryMatch"};
  return s.cron + " " + (s.time_zone.empty() ? "UTC" : s.time_zone) + " " +
         changes[static_cast<std::size_t>(s.daylight_saving)];
}

class OneSchedule {
 public:
  OneSchedule(const api::Pipeline& pipeline, std::size_t index,
              const std::vector<api::PipelineRun>& runs, TimePoint now, SchedulePlan& plan)
      : policy_(pipeline.spec.schedule_policy),
        spec_(pipeline.spec.schedules[index]),
        suspended_(pipeline.spec.suspend || spec_.suspend),
        index_(index),
        runs_(runs),
        now_(now),
        plan_(plan) {
    const auto& known = pipeline.status.schedules;
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const auto& s) { return s.name == spec_.name; });
    if (it != known.end()) status_ = *it;
  }

  void Plan() {
    CountFromNowOn();
    if (!suspended_) {
      if (const auto table = TimetableOf(spec_)) PlanTimes(*table);
    }
    plan_.statuses.push_back(std::move(status_));
  }

 private:
  // Where there is nothing to count from, or what there is is of another rule.
  void CountFromNowOn() {
    const std::string rule = RuleOf(spec_);
    const bool counts = status_.settled && status_.rule == rule && !status_.suspended;
    status_.name = spec_.name;
    status_.rule = rule;
    status_.next.reset();
    if (!counts && !(suspended_ && status_.suspended && status_.settled)) {
      status_.settled = WholeSeconds(now_);
      status_.watched.reset();
    }
    status_.suspended = suspended_;
  }

  void PlanTimes(const Timetable& table) {
    if (*status_.settled - now_ > kClockMargin)
      plan_.clock_went_back.push_back(
          "schedule " + spec_.name + ": its times up to " + FormatTime(*status_.settled) +
          " are done with, and that is over a day ahead: the clock went back, and nothing starts "
          "before then; where that was the wrong time, suspend the schedule and then take that "
          "back: it counts from then on");
    // One more than is wanted tells that there are more.
    std::vector<TimePoint> times = Firings(table, *status_.settled, now_, kMostMissed + 1);
    bool more = times.size() > kMostMissed;
    if (more) {
      status_.settled = times.front();
      times.erase(times.begin());
    }
    std::vector<TimePoint> due;
    for (const TimePoint t : times) {
      if (HasRun(t))
        status_.last = std::max(status_.last.value_or(t), t);
      else
        due.push_back(t);
    }
    LeaveOut(due, times, more);
    if (due.empty() && !times.empty()) status_.settled = times.back();
    for (const TimePoint t : due) plan_.due.push_back({index_, t});
    status_.next = NextFiring(table, std::max(now_, *status_.settled));
    if (status_.next && (!plan_.next || *status_.next < *plan_.next)) plan_.next = status_.next;
  }

  // `due`: those of `times` that have no run.
  void LeaveOut(std::vector<TimePoint>& due, const std::vector<TimePoint>& times, bool more) {
    const auto& deadline = policy_.starting_deadline;
    const auto keep_from = [&](std::vector<TimePoint>::iterator first, const std::string& why) {
      if (first == due.begin()) return;
      Tell(more ? kMostMissed + 1 : static_cast<std::size_t>(first - due.begin()), *(first - 1),
           why);
      status_.settled = std::max(*status_.settled, *(first - 1));
      due.erase(due.begin(), first);
    };
    const auto not_older = [&](Milliseconds age) {
      return std::find_if(due.begin(), due.end(), [&](TimePoint t) { return now_ - t <= age; });
    };
    if (more && policy_.missed == MissedPolicy::kAll && !due.empty())
      plan_.events.push_back({"Warning", "MissedSchedule",
                              "schedule " + spec_.name + ": of the times before " +
                                  FormatTime(due.front()) + " none has a run: only the newest " +
                                  std::to_string(kMostMissed) + " missed ones are made up"});
    if (deadline)
      keep_from(not_older(*deadline), "startingDeadline is " + FormatDuration(*deadline));
    if (policy_.missed == MissedPolicy::kSkip)
      keep_from(not_older(kOnTime), "schedulePolicy.missed is Skip");
    // Where the newest has its run, and no status could say so yet, the older ones are left out
    // too.
    if (policy_.missed == MissedPolicy::kLast && !due.empty())
      keep_from(due.back() == times.back() ? due.end() - 1 : due.end(),
                "schedulePolicy.missed is Last");
  }

  void Tell(std::size_t count, TimePoint last, const std::string& why) {
    plan_.events.push_back(
        {"Warning", "MissedSchedule",
         "schedule " + spec_.name + ": " +
             (count == 1 ? "the time " + FormatTime(last) + " was"
                         : (count > kMostMissed ? "over " + std::to_string(kMostMissed)
                                                : std::to_string(count)) +
                               " times up to " + FormatTime(last) + " were") +
             " left out: " + why});
  }

  [[nodiscard]] bool HasRun(TimePoint t) const {
    return std::any_of(runs_.begin(), runs_.end(),
                       [&](const auto& r) { return IsForTime(r, spec_.name, t); });
  }

  const api::SchedulePolicy& policy_;
  const api::ScheduleSpec& spec_;
  const bool suspended_;
  const std::size_t index_;
  const std::vector<api::PipelineRun>& runs_;
  const TimePoint now_;
  SchedulePlan& plan_;
  api::ScheduleStatus status_;
};

}  // namespace

SchedulePlan PlanSchedules(const api::Pipeline& pipeline, const std::vector<api::PipelineRun>& runs,
                           TimePoint now) {
  SchedulePlan plan;
  for (std::size_t i = 0; i < pipeline.spec.schedules.size(); ++i)
    OneSchedule(pipeline, i, runs, now, plan).Plan();
  std::stable_sort(plan.due.begin(), plan.due.end(),
                   [](const DueTime& a, const DueTime& b) { return a.time < b.time; });
  return plan;
}

void Settle(SchedulePlan& plan, const DueTime& due, bool has_run) {
  api::ScheduleStatus& status = plan.statuses[due.schedule];
  status.settled = std::max(status.settled.value_or(due.time), due.time);
  if (has_run) status.last = std::max(status.last.value_or(due.time), due.time);
}

}  // namespace penstock::plan
