// The runs that schedules and triggers made: their names and labels. Pure.
//
// A scheduled run's name comes of Pipeline, schedule and minute alone, so that whoever makes it
// again, after a restart or from a restored state, meets the one that is there.
#pragma once

#include <map>
#include <string>

#include "operator/api/pipeline_run.h"

namespace penstock::plan {

// "" where it has none.
[[nodiscard]] std::string LabelOf(const api::PipelineRun& run, const char* key);

// "<pipeline>-<yyyymmddhhmm>-<8 hex of pipeline and schedule>", in UTC. `schedule` may be empty: of
// times that no schedule names (a backfill's).
[[nodiscard]] std::string ScheduledRunName(const std::string& pipeline, const std::string& schedule,
                                           TimePoint time);

// Whether the run, of a schedule or a backfill, is for this time of the schedule.
[[nodiscard]] bool IsForTime(const api::PipelineRun& run, const std::string& schedule,
                             TimePoint time);

// The controller made it: by change, schedule or trigger; concurrency counts it.
[[nodiscard]] bool IsAutomatic(const api::PipelineRun& run);

// A run of the Pipeline as the controller creates it.
[[nodiscard]] Json OwnedRun(const api::Pipeline& pipeline, const std::string& name,
                            const std::string& cause,
                            const std::map<std::string, std::string>& more_labels, Json more_spec);

}  // namespace penstock::plan
