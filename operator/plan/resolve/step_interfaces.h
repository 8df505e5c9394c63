// What the steps of a spec take and give: of a Component, of a Pipeline by name or in place, as far
// as these are at hand. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {

// "1" is the highest 1.x.y, "1.4" the highest 1.4.x, "1.4.0" exactly that. NotFound lists the
// versions that exist.
[[nodiscard]] Result<api::Component> PickComponent(const api::ComponentRef& wanted,
                                                   const std::vector<api::Component>& candidates);

struct Interfaces {
  // By step. Of a Pipeline: its name, inputs, outputs, parameters and results, and no container. An
  // output whose type is not known has none.
  StepComponents specs;
  std::map<std::string, std::string> names;  // step -> object name of its Component
};

// Adds what is wrong with the Components and Pipelines themselves, and with what is written within
// a Pipeline in place. `around` null: only what stands in the spec is known, and the rest is taken
// as it is written.
[[nodiscard]] Interfaces InterfacesOf(const api::PipelineSpec& spec, const Surroundings* around,
                                      Findings& out);

// The spec of the Pipeline in place that `step` of `outer` is: its parameters and inputs are those
// that the step gives, with the types that are known before a run, and the parameters of `outer`.
[[nodiscard]] api::PipelineSpec InPlaceSpec(const api::PipelineSpec& outer,
                                            const api::StepSpec& step, const StepComponents& known);

// The way by which every run of a Pipeline would start another of the same, "a -> b -> a", through
// steps that nothing keeps from starting; empty: there is none among the Pipelines at hand.
[[nodiscard]] std::string EndlessNesting(const std::string& pipeline, const api::PipelineSpec& spec,
                                         const Surroundings& around);
[[nodiscard]] std::string EndlessMessage(const std::string& way);

}  // namespace penstock::plan
