// What may stand in for a step that has failed.
#include <algorithm>

#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {
namespace {

bool GivesNothing(const api::StepSpec& step, const StepComponents& components) {
  const StepInterface gives = InterfaceOf(step, components);
  return gives.outputs != nullptr && gives.outputs->empty() && gives.results->empty();
}

// A run within another belongs to that one: it has none before it.
void CheckWithin(const api::NestedPipeline& nested, const std::string& path, Findings& out) {
  for (std::size_t i = 0; i < nested.steps.size(); ++i)
    if (nested.steps[i].on_failure)
      out.Add(api::ItemPath(path + ".pipeline.steps", i) + ".onFailure",
              "a run within another one has no earlier run; say onFailure of the step that is the "
              "Pipeline");
}

}  // namespace

void CheckOnFailure(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  if (step.pipeline) CheckWithin(*step.pipeline, path, c.out);
  if (!step.on_failure || IsGate(step)) return;
  const std::string at = path + ".onFailure";
  if (step.on_failure->max_age && step.on_failure->max_age->count() <= 0)
    c.out.Add(at + ".maxAge", "must be above 0");
  if (step.daemon)
    c.out.Add(at, "a daemon serves while it runs, and nothing stands in for that; remove it");
  else if (GivesNothing(step, c.components))
    c.out.Add(at,
              "the step has no outputs and no results that could stand in for it; allowFailure "
              "lets it fail");
}

}  // namespace penstock::plan
