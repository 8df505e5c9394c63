// A step, its Component and the pipeline's defaults laid over each other: the step wins, then the
// Component, then the defaults. Pure.
#pragma once

#include <set>
#include <string>

#include "operator/api/component.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::plan {

// Everything of a ResolvedStep but inputs, parameters, code and implied dependencies. `component`
// is null for a step with a container of its own.
[[nodiscard]] ResolvedStep MergeStep(const api::StepSpec& step, const api::ComponentSpec* component,
                                     const api::StepDefaults& defaults);

// Names that $(parameters.x) has in command, args, workingDir and env.
[[nodiscard]] std::set<std::string> ContainerParameters(const api::ContainerSpec& container);

}  // namespace penstock::plan
