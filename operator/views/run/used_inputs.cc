#include "operator/views/run/used_inputs.h"

#include "operator/plan/values/step_inputs.h"

namespace penstock::views {
namespace {

// Of what may have given an input the one that did.
void FindSource(const KnownRun& run, const plan::ResolvedInput& input, UsedInput& used) {
  for (const plan::ResolvedSource* source : input.Sources()) {
    const api::StepStatus* from = source->step.empty() ? nullptr : run.Step(source->step);
    if (from == nullptr) continue;
    for (const api::StepOutput& o : from->outputs) {
      if (o.name != source->output || o.digest != used.input.artifact->digest) continue;
      used.from_step = source->step;
      used.from_name = source->output;
      return;
    }
  }
}

}  // namespace

std::vector<UsedInput> UsedInputs(const KnownRun& run, const std::string& name) {
  const plan::ResolvedStep* step = run.resolved ? run.resolved->Find(name) : nullptr;
  if (step == nullptr) return {};
  const api::StepStatus* status = run.Step(name);
  const plan::StatusOf status_of = [&](const std::string& other) { return run.Step(other); };
  std::vector<UsedInput> all;
  for (TaskInput& input : plan::Gather(*step, {run.run, status_of}).inputs) {
    UsedInput& used = all.emplace_back();
    used.input = std::move(input);
    for (const plan::ResolvedInput& r : step->inputs)
      if (r.name == used.input.name && used.input.artifact) FindSource(run, r, used);
    if (status == nullptr) continue;
    const auto print = status->sources.find(used.input.name);
    if (print != status->sources.end()) used.fingerprint = print->second;
  }
  return all;
}

}  // namespace penstock::views
