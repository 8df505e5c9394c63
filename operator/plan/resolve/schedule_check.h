// Schedules and triggers of a Pipeline: what is wrong with them, and the parameters that a
// schedule gives its runs. Pure.
#pragma once

#include <map>
#include <string>

#include "operator/api/pipeline.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {

// Expression and zone, policy, parameters (each that has no default must be given), triggers.
void CheckSchedules(const api::PipelineSpec& spec, Findings& out);

// A Pipeline that followed its own output would run for ever.
void CheckTriggersOf(const std::string& pipeline, const api::PipelineSpec& spec, Findings& out);

// The schedule's parameters with $(run.scheduledTime) put in. An error is of another reference.
[[nodiscard]] Result<std::map<std::string, Json>> ParametersAt(const api::ScheduleSpec& schedule,
                                                               TimePoint time);

}  // namespace penstock::plan
