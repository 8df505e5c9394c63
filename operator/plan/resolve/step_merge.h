// A step, its Component and the pipeline's defaults laid over each other: the step wins, then the
// Component, then the defaults. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::plan {

// Everything of a ResolvedStep but inputs, parameters, code and implied dependencies. `component`
// is null for a step with a container of its own.
[[nodiscard]] ResolvedStep MergeStep(const api::StepSpec& step, const api::ComponentSpec* component,
                                     const api::StepDefaults& defaults);

// The names of the run's volumes that the step's containers or sidecars mount, in their order.
[[nodiscard]] std::vector<std::string> MountedOf(const std::vector<api::RunVolume>& volumes,
                                                 const ResolvedStep& step);
// The texts of a container in which the launcher puts values: command, args, workingDir, env.
[[nodiscard]] Json ContainerTemplates(const api::ContainerSpec& container);
// Those of all programs of a step.
[[nodiscard]] Json StepTemplates(const ResolvedStep& step);

// Names that $(parameters.x) has in command, args, workingDir and env.
[[nodiscard]] std::set<std::string> ContainerParameters(const api::ContainerSpec& container);

}  // namespace penstock::plan
