// Checks a Pipeline's spec, with or without the Components that its steps name. Validate and
// Resolve both say what this says. Pure.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/api/pipeline.h"
#include "operator/base/json_member.h"
#include "operator/plan/locks/lock_check.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/topology.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {

// By step name, of Components and of Pipelines (step_interfaces.h); a step that has one but no
// entry is taken as it is written.
using StepComponents = std::map<std::string, api::ComponentSpec>;

struct Findings {
  std::vector<api::FieldError> errors;
  std::vector<std::string> warnings;
  void Add(std::string path, std::string message) {
    errors.push_back({std::move(path), std::move(message)});
  }
};

void CheckSpec(const api::PipelineSpec& spec, const StepComponents& components, Findings& out);

// A step with the path of its field.
struct ListedStep {
  const api::StepSpec* step;
  std::string path;
  bool is_final;  // of `finally`
};
// Those of `steps`, then those of `finally`.
[[nodiscard]] std::vector<ListedStep> StepsOf(const api::PipelineSpec& spec);

// Every reference of a step to what is outside of it, with its place below the step
// ("inputs.<name>"); of the container's texts those to the pipeline's parameters.
[[nodiscard]] std::vector<FoundReference> ReferencesOf(const api::StepSpec& step);

// The steps that it and its condition refer to, and how they must have ended: kAny where all that
// it wants of a step may be absent (firstOf, an optional input, a status).
[[nodiscard]] std::map<std::string, api::DependencyOutcome> ImpliedNeeds(const api::StepSpec& step);

// What each step depends on, by index in StepsOf: references and dependsOn. Names that do not exist
// are left out.
[[nodiscard]] Graph DependencyGraph(const api::PipelineSpec& spec);

// By the name of the step that asks for locks: the last lock, by name, of a daemon that may go on
// until the step has ended: one that it uses, or that a step uses which waits for it.
[[nodiscard]] LocksOfDaemons HeldByDaemons(const api::PipelineSpec& spec);

// The one of a list of declarations that has this name; null: none has.
template <typename T>
const T* ByName(const std::vector<T>& list, const std::string& name) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const T& x) { return x.name == name; });
  return it == list.end() ? nullptr : &*it;
}

// --- parts of CheckSpec, each in a file of its own

// What a step has to be referred to; null = not known (its Component is not at hand).
struct StepInterface {
  const std::vector<api::OutputSpec>* outputs = nullptr;
  const std::vector<api::ResultSpec>* results = nullptr;
};
// "component" or "pipeline": whose name an entry of StepComponents has.
[[nodiscard]] std::string KindOf(const api::StepSpec& step);

// The programs of a step that is no Component's: its container, or its containers in turn; with the
// path of each within the step.
struct StepProgram {
  const api::ContainerSpec* spec = nullptr;
  std::string path;  // ".container", ".containers[1]"
};
[[nodiscard]] std::vector<StepProgram> ProgramsOf(const api::StepSpec& step);

[[nodiscard]] StepInterface InterfaceOf(const api::StepSpec& step,
                                        const StepComponents& components);

struct CheckContext {
  const api::PipelineSpec& spec;
  const StepComponents& components;
  std::map<std::string, const api::StepSpec*> steps;
  std::map<std::string, const api::ParameterSpec*> parameters;
  Findings& out;
};

// container_check.cc: command, args, env, mounts, code of an inline container, or of one in turn.
void CheckProgram(const CheckContext& c, const api::StepSpec& step,
                  const api::ContainerSpec& program, const std::string& at);
// Where a container mounts what of the step's and the run's volumes.
void CheckMounts(const CheckContext& c, const api::StepSpec& step, const std::vector<Json>& mounts,
                 const std::string& at);
// The step's own volumes.
void CheckOwnVolumes(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// pod_check.cc: containers in turn, sidecars and `pod` of a step; the volumes of a run.
void CheckPod(const CheckContext& c, const api::StepSpec& step, const std::string& path);
void CheckPodFields(const Json& pod, const std::string& path, Findings& out);
void CheckRunVolumes(const CheckContext& c);
void CheckRunLabels(const CheckContext& c);
// Programs without a command, where registries are not asked for the image's own.
void CheckEntryPoints(const api::PipelineSpec& spec, Findings& out);
// A parameter inside a program's text.
void CheckProgramText(const api::ContainerSpec& program, const std::string& path, Findings& out);
// What the platform does not allow under `pod`.
void CheckPodPolicy(const api::PipelineSpec& spec, const std::set<std::string>& allowed,
                    Findings& out);
// The env, envFrom, volumes and mounts of a step with a component.
void CheckComponentEnv(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// What a Component may not say.
void CheckComponentSpec(const api::ComponentSpec& component, const std::string& path,
                        Findings& out);

// nested_check.cc: what a step that is a Pipeline may say.
void CheckNested(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// One that people decide, or that waits: it has no pod.
[[nodiscard]] inline bool IsGate(const api::StepSpec& step) { return step.approval || step.wait; }
// One that ends by a program: $(steps.s.exitCode).
[[nodiscard]] inline bool HasExitCode(const api::StepSpec& step) {
  return !IsGate(step) && !step.pipeline && !step.for_each && !step.daemon;
}
// onFailure of a step.
void CheckOnFailure(const CheckContext& c, const api::StepSpec& step, const std::string& path);
void CheckGate(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// What it gives: an approval's values are its results.
[[nodiscard]] api::ComponentSpec GateInterface(const api::StepSpec& step);

// input_check.cc: inputs, parameters and dependencies of a step, outputs of the pipeline.
void CheckInputs(const CheckContext& c, const api::StepSpec& step, const std::string& path);
void CheckParameters(const CheckContext& c, const api::StepSpec& step, const std::string& path);
void CheckPipelineOutputs(const CheckContext& c);
void CheckPipelineResults(const CheckContext& c);

// A reference to an output or a result of a step; nothing wrong: no error is added.
[[nodiscard]] const api::OutputSpec* CheckOutputReference(const CheckContext& c, const Reference& r,
                                                          const std::string& path);

// The same of a result, whatever field of it is asked for.
[[nodiscard]] const api::ResultSpec* CheckResultReference(const CheckContext& c, const Reference& r,
                                                          const std::string& path);
void CheckRunReference(const Reference& r, const std::string& path, Findings& out);

// loop_check.cc: forEach of a step.
void CheckLoop(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// True for a reference to the item of a loop. One that the step at `path` has not, or that names
// nothing of an item, is an error.
bool CheckEach(const CheckContext& c, const Reference& r, const std::string& path);
// A reference in a value. `spec`, where it is known, declares the value at `path` as a whole.
void CheckValueReference(const CheckContext& c, const api::ParameterSpec* spec,
                         const FoundReference& f, const std::string& path);

// validate.cc: no other step may wait for one of `finally`.
void CheckFinally(const CheckContext& c);

// never_runs.cc: steps that want of another both that it succeeds and that it fails. The graph has
// no circle.
void CheckNeverRuns(const CheckContext& c);

// The words of a command that are program text, so that nothing a parameter says
// may stand in them: what follows `sh -c`, `python -c`, `perl -e` and their kin. Indexes into
// `words`.
[[nodiscard]] std::vector<std::size_t> ProgramTexts(const std::vector<std::string>& words);

// resources.cc: quantities are quantities, requests are not above limits.
void CheckResources(const Json& resources, const std::string& path, Findings& out);
// Fields of `over` win, key by key. An extended resource (one with a domain) that only requests
// name gets the same limit, which Kubernetes asks for.
[[nodiscard]] Json MergeResources(const Json& under, const Json& over);

}  // namespace penstock::plan
