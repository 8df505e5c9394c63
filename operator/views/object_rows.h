// Pipelines and models as rows, and one of them whole. By the objects that stand.
#pragma once

#include <string>

#include "operator/api/pipeline.h"
#include "operator/views/place.h"

namespace penstock::views {

// {"items": [{name, schedules, suspended, lastRun, activeRuns, nextRun, ready, message}], "next"}:
// by name, those behind `after`.
[[nodiscard]] Result<Json> PipelineRows(const Place& place, const std::string& ns, int limit,
                                        const std::string& after, const std::stop_token& stop);
// The row and {description, parameters: [{name, type, default, enum, minimum, maximum, description,
// optional}], inputs, steps, approvals: [step], triggers, spec (YAML)}.
[[nodiscard]] Result<Json> PipelineView(const Place& place, const std::string& ns,
                                        const std::string& name, const std::stop_token& stop);

// {name, type, description, pattern, default, optional, minimum, maximum, maxLength, enum, items}:
// a parameter, or a value that an approval asks for.
[[nodiscard]] Json ParameterRow(const api::ParameterSpec& parameter);

// ModelDeployments: {"items": [{name, phase, message, versions, rollout}], "next"}.
[[nodiscard]] Result<Json> ModelRows(const Place& place, const std::string& ns, int limit,
                                     const std::string& after, const std::stop_token& stop);
// The row and {model, url, history, conditions}.
[[nodiscard]] Result<Json> ModelView(const Place& place, const std::string& ns,
                                     const std::string& name, const std::stop_token& stop);

}  // namespace penstock::views
