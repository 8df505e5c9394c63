// Which runs a Pipeline starts now, for a change, its schedules and its triggers, and what waits
// for a place under concurrency. Pure but for zoneinfo. A part of pipeline_plan.h, which alone
// calls it.
//
//   the change first, then due times, the oldest first, then a trigger, then deliveries of
//   webhooks, the oldest first; each asks for its turn:
//       Allow: at once           Queue: waits; of one schedule the newest time counts, of one
//                                webhook the newest delivery
//       Forbid: left out         Replace: the runs before are cancelled, and then it starts
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/plan/pipeline/change_run.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

struct Starts {
  std::vector<PipelineAction> actions;
  std::vector<std::string> asked_for;        // the runs that this makes
  std::vector<std::string> released;         // those that were there, and begin
  std::vector<std::string> waiting;          // what does not start now, and why
  std::vector<std::string> clock_went_back;  // as SchedulePlan says
  std::vector<RunEvent> events;
  std::string observed_run_hash;
  std::vector<api::ScheduleStatus> schedules;
  std::vector<api::TriggerStatus> triggers;
  std::optional<TimePoint> next_schedule;
  std::optional<TimePoint> look_again;
};

// The spec is valid. `changes` are the runs that a change made, in the order in which they were
// asked for.
[[nodiscard]] Starts PlanStarts(const PipelineObserved& observed,
                                const std::vector<ChangeRun>& changes, TimePoint now);

}  // namespace penstock::plan
