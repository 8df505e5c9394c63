// What a Pipeline publishes as versions of registered models (spec.registers). Pure.
//
//   published digest = the one that the status says is registered      nothing
//   else, the model's versions are not known                           they are asked for
//   else, one of them has this digest                                  the status says which
//   else                                                               it becomes the next one
//
// A version is told by its content, so that an answer that was lost, a new operator or a run that
// gives the same bytes make no second one. One that somebody deletes is not made again.
#pragma once

#include <vector>

#include "operator/plan/pipeline/world.h"

namespace penstock::plan {

struct Registrations {
  std::vector<api::RegisteredStatus> registered;
  std::vector<RegistryQuestion> questions;
  std::vector<RegisterVersion> actions;
  std::vector<RunEvent> events;
};

// `outputs` are what the Pipeline publishes now.
[[nodiscard]] Registrations PlanRegistrations(const PipelineObserved& observed,
                                              const std::vector<api::PublishedOutput>& outputs);

}  // namespace penstock::plan
