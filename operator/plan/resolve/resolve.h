// From a Pipeline, its parameters and the Components it names to a ResolvedRun: everything a run
// needs, pinned. Reports every error at once, each with the path of its field. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/api/pipeline.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// An output of an earlier step.
struct OutputRef {
  std::string step, output;
};

// Where a step's input comes from.
struct ResolvedInput {
  std::string name;
  std::string type;
  bool optional = false;
  // Exactly one of these, or none when an optional input is absent:
  std::string step, output;             // an output of an earlier step
  std::optional<ArtifactRef> artifact;  // pinned when the run started ($(pipelines.p.outputs.o))
  bool of_own_pipeline = false;  // the artifact is what the run's own Pipeline published last
  // The artifact was put into the store by hand and named by its digest: whether it is there, a
  // folder or a file, is asked when the step starts.
  bool put_by_hand = false;
  std::string uri;  // an outside source
};

// A parameter: a value, or a template over $(steps.s.results.r) and $(run.name) that is known only
// when the step starts (ExpandParameter in references.h).
struct ResolvedParameter {
  Json value;  // when `pending`, its strings are templates
  bool pending = false;
  std::optional<api::ParameterSpec> spec;  // absent: any type (a container step's own)
};

// A step with its Component, defaults and parameters merged in.
struct ResolvedStep {
  std::string name;
  std::string component;         // "train-1.4.0" or empty
  bool library = false;          // the Component is the library's
  std::string code_version;      // of the Component
  api::ContainerSpec container;  // the step's env, envFrom and mounts merged in
  // Of container.code, one of these: known when the run starts, or what an earlier step fetches
  // (code_fetch.h).
  std::optional<ArtifactRef> code;
  std::optional<OutputRef> code_from;
  std::vector<ResolvedInput> inputs;
  std::map<std::string, ResolvedParameter> parameters;
  std::vector<api::OutputSpec> outputs;
  std::vector<api::ResultSpec> results;
  std::vector<api::Dependency> depends_on;  // explicit ones and those of references, each once
  Json resources;
  api::RetrySpec retry;
  api::TimeoutSpec timeouts;
  api::CacheSpec cache;
  api::SchedulingSpec scheduling;
  std::vector<Json> volumes;
  [[nodiscard]] const api::OutputSpec* Output(const std::string& name) const;
  // What it takes of earlier steps, as inputs or as its code.
  [[nodiscard]] std::vector<OutputRef> Takes() const;
};

struct ResolvedRun {
  int format = 1;
  std::string pipeline;  // name; empty for an inline spec
  std::map<std::string, Json> parameters;
  std::optional<int> parallelism;
  std::vector<ResolvedStep> steps;  // in topological order, ties in the order of the spec
  std::map<std::string, std::string> outputs;  // name -> "$(steps.s.outputs.o)"
  std::vector<std::string> warnings;           // unused parameters and the like
  // nullptr when there is no such step.
  [[nodiscard]] const ResolvedStep* Find(const std::string& name) const;
};

// What resolving may ask about the rest of the namespace. Answers come from snapshots.
struct Surroundings {
  // All Components that a step could name: its namespace's own, or the library's.
  std::function<std::vector<api::Component>(const std::string& name, bool library)> components;
  // The published output of a Pipeline; nullopt when there is none (yet).
  std::function<std::optional<api::PublishedOutput>(const std::string& pipeline,
                                                    const std::string& output)>
      pipeline_output;
  // Digest of a step's code that lies in a ConfigMap or beside the manifest; nullopt: not known.
  std::function<std::optional<ArtifactRef>(const api::CodeSpec&)> code;
  bool local = false;  // steps run on this machine (`penstock run`) and reach its files and agents
};

struct Resolution {
  std::optional<ResolvedRun> run;       // absent when there are errors
  std::vector<api::FieldError> errors;  // paths begin at "spec."
  std::vector<std::string> warnings;
};

// `given` are the run's parameters; unknown names, types and bounds are errors at
// "spec.parameters.<name>".
[[nodiscard]] Resolution Resolve(const std::string& pipeline_name, const api::PipelineSpec& spec,
                                 const std::map<std::string, Json>& given,
                                 const Surroundings& around);

// What Resolve says but for the values of parameters and the outputs of other Pipelines: whether
// the spec is valid with the Components that exist now. For the Pipeline's Ready condition.
[[nodiscard]] Resolution Check(const api::PipelineSpec& spec, const Surroundings& around);

// Everything about a spec that can be said without its surroundings (names, references, cycles,
// lints); Resolve says these too. For `penstock validate`.
// `warnings` may be null.
[[nodiscard]] std::vector<api::FieldError> Validate(const api::PipelineSpec& spec,
                                                    std::vector<std::string>* warnings = nullptr);

// What would run, in 40 bits of hex: description, schedule and limits are not in it, nor anything
// the operator's version could change. `runs by change are named <pipeline>-<hash>-<n>`.
[[nodiscard]] std::string RunHash(const api::PipelineSpec& spec);

// The ResolvedRun as JSON, for the ControllerRevision, and back.
[[nodiscard]] Json EncodeResolved(const ResolvedRun& run);
[[nodiscard]] Result<ResolvedRun> DecodeResolved(const Json& j);

}  // namespace penstock::plan
