// Checks a Pipeline's spec, with or without the Components that its steps name. Validate and
// Resolve both say what this says. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/api/pipeline.h"
#include "operator/plan/resolve/topology.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {

// By step name; a step that has a component but no entry is taken as it is written.
using StepComponents = std::map<std::string, api::ComponentSpec>;

struct Findings {
  std::vector<api::FieldError> errors;
  std::vector<std::string> warnings;
  void Add(std::string path, std::string message) {
    errors.push_back({std::move(path), std::move(message)});
  }
};

void CheckSpec(const api::PipelineSpec& spec, const StepComponents& components, Findings& out);

// The text under a name of a core/v1 object as it was written; "" where it is none.
[[nodiscard]] std::string TextAt(const Json& object, const char* name);

// What each step depends on, by index: references and dependsOn. Names that do not exist are left
// out.
[[nodiscard]] Graph DependencyGraph(const api::PipelineSpec& spec);

// --- parts of CheckSpec, each in a file of its own

// What a step has to be referred to; null = not known (its Component is not at hand).
struct StepInterface {
  const std::vector<api::OutputSpec>* outputs = nullptr;
  const std::vector<api::ResultSpec>* results = nullptr;
};
[[nodiscard]] StepInterface InterfaceOf(const api::StepSpec& step,
                                        const StepComponents& components);

struct CheckContext {
  const api::PipelineSpec& spec;
  const StepComponents& components;
  std::map<std::string, const api::StepSpec*> steps;
  std::map<std::string, const api::ParameterSpec*> parameters;
  Findings& out;
};

// container_check.cc: command, args, env, mounts, code of an inline container. `parameters` are the
// names it may use.
void CheckContainer(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// The env, envFrom, volumes and mounts of a step with a component.
void CheckComponentEnv(const CheckContext& c, const api::StepSpec& step, const std::string& path);
// What a Component may not say.
void CheckComponentSpec(const api::ComponentSpec& component, const std::string& path,
                        Findings& out);

// input_check.cc: inputs, parameters and dependencies of a step, outputs of the pipeline.
void CheckInputs(const CheckContext& c, const api::StepSpec& step, const std::string& path);
void CheckParameters(const CheckContext& c, const api::StepSpec& step, const std::string& path);
void CheckPipelineOutputs(const CheckContext& c);

// A reference to an output or a result of a step; nothing wrong: no error is added.
[[nodiscard]] const api::OutputSpec* CheckOutputReference(const CheckContext& c, const Reference& r,
                                                          const std::string& path);

// never_runs.cc: steps that want of another both that it succeeds and that it fails. The graph has
// no circle.
void CheckNeverRuns(const CheckContext& c);

// program_text.cc: the words of a command that are program text, so that nothing a parameter says
// may stand in them: what follows `sh -c`, `python -c`, `perl -e` and their kin. Indexes into
// `words`.
[[nodiscard]] std::vector<std::size_t> ProgramTexts(const std::vector<std::string>& words);

// resources.cc: quantities are quantities, requests are not above limits.
void CheckResources(const Json& resources, const std::string& path, Findings& out);
// Fields of `over` win, key by key. An extended resource (one with a domain) that only requests
// name gets the same limit, which Kubernetes asks for.
[[nodiscard]] Json MergeResources(const Json& under, const Json& over);

}  // namespace penstock::plan
