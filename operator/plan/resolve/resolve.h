// From a Pipeline, its parameters and the Components it names to a ResolvedRun: everything a run
// needs, pinned. Reports every error at once, each with the path of its field. Pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/api/component.h"
#include "operator/api/pipeline.h"
#include "operator/base/result.h"
#include "operator/plan/resolve/loop.h"
#include "operator/protocol/task.h"

namespace penstock::plan {

// An output of an earlier step.
struct OutputRef {
  std::string step, output;
};

// Where an input may come from.
struct ResolvedSource {
  // Exactly one of these, or none where it is absent for certain:
  std::string step, output;             // an output of an earlier step
  std::optional<ArtifactRef> artifact;  // pinned when the run started ($(pipelines.p.outputs.o))
  bool of_own_pipeline = false;  // the artifact is what the run's own Pipeline published last
  // The artifact was put into the store by hand and named by its digest: whether it is there, a
  // folder or a file, is asked when the step starts.
  bool put_by_hand = false;
  std::string uri;  // an outside source; when `pending` a template
  // The URI or digest is known only when the step starts: $(steps.s.results.r), $(each.value).
  bool pending = false;
};

// Where a step's input comes from: the first of its sources that is there.
struct ResolvedInput : ResolvedSource {
  std::string name;
  std::string type;
  bool optional = false;
  std::vector<ResolvedSource> otherwise{};  // in turn, where that is absent
  [[nodiscard]] std::vector<const ResolvedSource*> Sources() const;
};

// A parameter: a value, or a template over what only the run can know (plan/values/value_source.h),
// which is put in when the step starts (ExpandAll in references.h).
struct ResolvedParameter {
  Json value;  // when `pending`, its strings are templates
  bool pending = false;
  std::optional<api::ParameterSpec> spec;  // absent: any type (a container step's own)
};

inline constexpr int kMaxNesting = 10;  // pipelines within each other, the outermost included

// The Pipeline that a step is, in place of a container.
struct ResolvedNested {
  std::string pipeline;  // by name, as it stands when the step starts; empty: in place
  bool library = false;
  // In place. The types of the values that the step gives are known when it starts.
  std::optional<api::PipelineSpec> spec;
};

// A step with its Component, defaults and parameters merged in.
struct ResolvedStep {
  std::string name;
  std::string component;               // "train-1.4.0" or empty
  bool library = false;                // the Component is the library's
  std::string code_version;            // of the Component
  bool service_account_token = false;  // its pod has the token of its service account
  api::ContainerSpec container;        // the step's env, envFrom and mounts merged in
  std::optional<ResolvedNested> nested;
  std::vector<api::StepContainer>
      containers;  // in turn; empty: `container` alone, else that is not
  std::vector<api::SidecarSpec> sidecars;
  std::optional<api::DaemonSpec> daemon;
  // Of container.code, one of these: known when the run starts, or what an earlier step fetches
  // (code_fetch.h).
  std::optional<ArtifactRef> code;
  std::optional<OutputRef> code_from;
  std::optional<OutputRef> packages_from;  // of container.code.requirements (code_fetch.h)
  std::optional<ResolvedLoop> loop;        // it runs once for each item
  std::vector<ResolvedInput> inputs;
  // $(pipelines.p.outputs.o) of its inputs as "p/o", and what was published then; null: nothing.
  std::map<std::string, std::optional<api::PublishedOutput>> published;
  std::map<std::string, ResolvedParameter> parameters;
  std::vector<api::OutputSpec> outputs;
  std::vector<api::ResultSpec> results;
  std::vector<api::Dependency> depends_on;  // explicit ones and those of references, each once
  Json resources;
  api::RetrySpec retry;
  api::TimeoutSpec timeouts;
  api::CacheSpec cache;
  api::SchedulingSpec scheduling;
  Json pod;  // api::core::kPod
  std::vector<Json> volumes;
  std::vector<std::string> run_volumes;  // names of those of ResolvedRun that it mounts
  std::vector<api::LockRef> locks;       // held while it goes on
  // In place of a container, and then it has no pod:
  std::optional<api::ApprovalStep> approval;
  std::optional<api::WaitStep> wait;
  // Image, resources, nodeSelector and volumes hold templates over what only the run can know
  // (pod_values.h).
  bool pod_pending = false;
  bool final_step = false;     // of `finally`: starts when all that are not have ended
  bool allow_failure = false;  // its failure is no failure of the run
  std::optional<api::OnFailureSpec> on_failure;
  std::string when;  // as the manifest writes it; plan/run looks at it
  [[nodiscard]] bool HasNoPod() const { return approval || wait; }
  // Its container, or its containers in turn.
  [[nodiscard]] std::vector<const api::ContainerSpec*> Programs() const;
  [[nodiscard]] const api::OutputSpec* Output(const std::string& name) const;
  // What it takes of earlier steps, as inputs, as its code or its packages.
  [[nodiscard]] std::vector<OutputRef> Takes() const;
};

struct ResolvedRun {
  int format = 1;
  std::string pipeline;  // name; empty for an inline spec
  std::map<std::string, Json> parameters;
  std::map<std::string, std::string> inputs;   // as given for the run
  std::vector<std::string> number_parameters;  // of type number, that a `when` names
  std::optional<int> parallelism;
  std::vector<api::RunVolume> volumes;        // made for the run
  std::vector<api::LockRef> locks;            // held by the run
  std::map<std::string, std::string> labels;  // that the run is to have
  std::optional<Milliseconds> timeout;        // from the run's start; then its steps are stopped
  // In topological order, ties in the order of the spec; those of `finally` stand behind all
  // others.
  std::vector<ResolvedStep> steps;
  std::map<std::string, std::string> outputs;  // name -> "$(steps.s.outputs.o)"
  std::vector<api::PipelineResult> results;    // values: templates, but for the parameters
  std::vector<std::string> warnings;           // unused parameters and the like
  // By itself or a step of it.
  [[nodiscard]] bool TakesLocks() const;
  [[nodiscard]] bool TakesApprovals() const;
  // nullptr when there is no such step.
  [[nodiscard]] const ResolvedStep* Find(const std::string& name) const;
};

// What an image starts by itself, as its registry tells it.
struct ImageProgram {
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;  // default arguments
  std::string digest;                // what the image's name stands for now
};

// What resolving may ask about the rest of the namespace. Answers come from snapshots.
struct Surroundings {
  // All Components that a step could name: its namespace's own, or the library's.
  std::function<std::vector<api::Component>(const std::string& name, bool library)> components;
  // A Pipeline that a step is; null: there is none, or, where not all are known, perhaps.
  std::function<std::shared_ptr<const api::Pipeline>(const std::string& name, bool library)>
      pipeline;
  bool knows_pipelines = true;
  // The published output of a Pipeline; nullopt when there is none (yet).
  std::function<std::optional<api::PublishedOutput>(const std::string& pipeline,
                                                    const std::string& output)>
      pipeline_output;
  // Digest of a step's code that lies in a ConfigMap or beside the manifest; nullopt: not known.
  std::function<std::optional<ArtifactRef>(const api::CodeSpec&)> code;
  // The file that requirements.file names in code that is known now; nullopt: not known. It is a
  // lock (protocol/requirements.h).
  std::function<std::optional<ArtifactRef>(const api::CodeSpec&)> lock = {};
  // What an image without a command in the manifest starts; nullopt: not known (yet). No function:
  // registries are not asked, and a command is required.
  std::function<std::optional<ImageProgram>(const std::string& image)> image = {};
  // The text of a ConfigMap's key; NotFound: it is not there. No function: not looked up, and the
  // parameters that come from there have no value.
  std::function<Result<std::string>(const std::string& name, const std::string& key)> config_value =
      {};
  // What the platform lets a step say under `pod`; nothing: all that there is.
  std::optional<std::set<std::string>> pod_fields = {};
  bool local = false;  // steps run on this machine (`penstock run`) and reach its files and agents
};

struct Resolution {
  std::optional<ResolvedRun> run;       // absent when there are errors
  std::vector<api::FieldError> errors;  // paths begin at "spec."
  std::vector<std::string> warnings;
};

// `given` are the run's parameters; unknown names, types and bounds are errors at
// "spec.parameters.<name>". `inputs` are its inputs, digests or URIs; errors stand at
// "spec.inputs.<name>".
[[nodiscard]] Resolution Resolve(const std::string& pipeline_name, const api::PipelineSpec& spec,
                                 const std::map<std::string, Json>& given,
                                 const Surroundings& around,
                                 const std::map<std::string, std::string>& inputs = {});

// What Resolve says but for the values of parameters and the outputs of other Pipelines: whether
// the spec is valid with the Components that exist now. For the Pipeline's Ready condition.
[[nodiscard]] Resolution Check(const api::PipelineSpec& spec, const Surroundings& around);

// Everything about a spec that can be said without its surroundings (names, references, cycles,
// lints); Resolve says these too. For `penstock validate`.
// `warnings` may be null.
[[nodiscard]] std::vector<api::FieldError> Validate(const api::PipelineSpec& spec,
                                                    std::vector<std::string>* warnings = nullptr);

// What the platform does not let a step of a run say under `pod`, where it was resolved under
// another policy.
[[nodiscard]] std::vector<api::FieldError> CheckPodPolicy(const ResolvedRun& run,
                                                          const std::set<std::string>& allowed);

// What would run, in 40 bits of hex: description, schedule and limits are not in it, nor anything
// the operator's version could change. `runs by change are named <pipeline>-<hash>-<n>`.
[[nodiscard]] std::string RunHash(const api::PipelineSpec& spec);

// The ResolvedRun as JSON, for the ControllerRevision, and back.
[[nodiscard]] Json EncodeResolved(const ResolvedRun& run);
[[nodiscard]] Result<ResolvedRun> DecodeResolved(const Json& j);

}  // namespace penstock::plan
