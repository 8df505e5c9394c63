// Schedules and triggers of a Pipeline: what is wrong with them, and the parameters that a
// schedule or the delivery of a webhook gives its runs. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

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

struct DeliveredParameters {
  std::map<std::string, Json> values;   // null ones are left out: not given
  std::vector<api::FieldError> errors;  // what is missing or does not fit, by parameter; all of it
};
// With `body`, the delivery's JSON, put in for $(body). Values are held against their declarations.
[[nodiscard]] DeliveredParameters ParametersOf(const api::PipelineSpec& spec,
                                               const api::WebhookSpec& webhook, const Json& body);

}  // namespace penstock::plan
