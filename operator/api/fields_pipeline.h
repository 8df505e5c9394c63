// The fields of Pipeline. See fields.h.
#pragma once

#include "operator/api/fields.h"
#include "operator/api/fields_gate.h"
#include "operator/api/fields_schedule.h"

namespace penstock::api {

inline constexpr std::array<Named<RunPolicy>, 2> kRunPolicies{
    {{RunPolicy::kOnChange, "OnChange"}, {RunPolicy::kManual, "Manual"}}};
inline constexpr std::array<Named<ConcurrencyPolicy>, 4> kConcurrencyPolicies{
    {{ConcurrencyPolicy::kQueue, "Queue"},
     {ConcurrencyPolicy::kAllow, "Allow"},
     {ConcurrencyPolicy::kForbid, "Forbid"},
     {ConcurrencyPolicy::kReplace, "Replace"}}};
inline constexpr std::size_t kMaxPipelineName = 52;  // runs and their pods add to it
inline constexpr Text kReferenceText{4096};

template <typename Io>
void Fields(Io& io, typename Io::template Of<ComponentRef>& c) {
  io.String("name", c.name, kLabelName);
  io.String("version", c.version, {32, &kVersionPrefix, true});
  io.Bool("library", c.library, false);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<CodeSpec::Git>& g) {
  io.String("url", g.url, {2048, nullptr, true});
  io.String("revision", g.revision, {256});
  io.String("path", g.path, {1024});
  if constexpr (Io::kReads) {
    std::string name;
    const bool given = io.Has("secretRef");
    io.Group("secretRef", [&](auto& s) { s.String("name", name, kRequiredObjectName); });
    if (given) g.secret_ref = name;
  } else {
    io.Group("secretRef",
             [&](auto& s) { s.OptionalString("name", g.secret_ref, kRequiredObjectName); });
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<CodeSpec::Requirements>& r) {
  io.String("file", r.file, {1024});
  io.String("text", r.text, {65536});
  if constexpr (Io::kReads)
    io.Check(r.file.empty() != r.text.empty(), "", "say exactly one of file and text");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<CodeSpec>& c) {
  io.String("path", c.path, {1024});
  io.String("artifact", c.artifact, {71, &kDigest});
  io.Optional("git", c.git);
  io.Optional("requirements", c.requirements);
  if constexpr (Io::kReads) {
    std::string name;
    const bool given = io.Has("configMap");
    io.Group("configMap", [&](auto& g) { g.String("name", name, kRequiredObjectName); });
    if (given) c.config_map = name;
    const int ways = !c.path.empty() + !c.artifact.empty() + c.git.has_value() + given;
    io.Check(ways == 1 || (ways == 0 && c.requirements), "",
             "say exactly one of path, artifact, git and configMap, or requirements alone");
    io.Check(
        ways == 1 || !c.requirements || c.requirements->file.empty(), "requirements",
        "file is one of the code's folder: add path, artifact, git or configMap, or give text");
  } else {
    io.Group("configMap",
             [&](auto& g) { g.OptionalString("name", c.config_map, kRequiredObjectName); });
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ContainerSpec>& c) {
  ProgramFields(io, c);
  io.RawList("env", c.env, 200, core::kEnvVar, "name");
  io.RawList("envFrom", c.env_from, 50, core::kEnvFrom, nullptr);
  io.RawList("volumeMounts", c.volume_mounts, 50, core::kVolumeMount, "mountPath");
  io.Optional("code", c.code);
}

inline constexpr std::array<Named<ErrorPolicy>, 2> kErrorPolicies{
    {{ErrorPolicy::kFail, "Fail"}, {ErrorPolicy::kContinue, "Continue"}}};
inline constexpr const char* kAccessModes[] = {"ReadWriteOnce", "ReadWriteMany",
                                               "ReadWriteOncePod"};

// What a container in turn and a sidecar share.
template <typename Io>
void PodProgramFields(Io& io, typename Io::template Of<ContainerSpec>& c) {
  io.String("image", c.image, {1024, nullptr, true});
  io.Choice("imagePullPolicy", c.image_pull_policy, kPullPolicies, "");
  io.StringList("command", c.command, 100, kArgument);
  io.StringList("args", c.args, 1000, kArgument);
  io.String("workingDir", c.working_dir, {1024});
  io.RawList("env", c.env, 200, core::kEnvVar, "name");
  io.RawList("envFrom", c.env_from, 50, core::kEnvFrom, nullptr);
  io.RawList("volumeMounts", c.volume_mounts, 50, core::kVolumeMount, "mountPath");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepContainer>& c) {
  io.String("name", c.name, kLabelName);
  PodProgramFields(io, c.program);
  io.Raw("resources", c.resources, core::kContainerResources);
  io.Enum("onError", c.on_error, kErrorPolicies, ErrorPolicy::kFail);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<SidecarSpec>& s) {
  io.String("name", s.name, kLabelName);
  PodProgramFields(io, s.program);
  io.Raw("resources", s.resources, core::kContainerResources);
  io.Raw("readiness", s.readiness, core::kReadiness);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<DaemonSpec>& d) {
  io.Raw("readiness", d.readiness, core::kReadiness);
  if constexpr (Io::kReads)
    io.Check(d.readiness.is_object() && !d.readiness.empty(), "readiness",
             "is required: tcp: PORT, http: {port, path} or exec: [word, ...]; the steps that use "
             "the daemon start once it holds");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ClaimSpec>& c) {
  io.String("size", c.size, {64, &kQuantity, true});
  io.String("storageClassName", c.storage_class_name, kObjectName);
  io.StringList("accessModes", c.access_modes, 3, {40});
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RunVolume>& v) {
  io.String("name", v.name, kLabelName);
  io.Optional("claim", v.claim, true);
}

// These stand in the step or the defaults themselves, beside their other fields.
template <typename Io>
void SchedulingFields(Io& io, typename Io::template Of<SchedulingSpec>& s) {
  io.String("serviceAccountName", s.service_account_name, kObjectName);
  io.RawList("imagePullSecrets", s.image_pull_secrets, 20, core::kLocalRef, "name");
  io.StringMap("nodeSelector", s.node_selector, 50, {317}, {256});
  io.RawList("tolerations", s.tolerations, 50, core::kToleration, nullptr);
  io.Raw("affinity", s.affinity, core::kAffinity);
  io.String("priorityClassName", s.priority_class_name, kObjectName);
  io.String("runtimeClassName", s.runtime_class_name, kObjectName);
  io.String("schedulerName", s.scheduler_name, kObjectName);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<Dependency>& d) {
  io.String("step", d.step, kLabelName);
  io.Enum("outcome", d.outcome, kDependencyOutcomes, DependencyOutcome::kSucceeded);
}

inline constexpr std::array<Named<FailureUse>, 1> kFailureUses{
    {{FailureUse::kLastGood, "LastGood"}}};

template <typename Io>
void Fields(Io& io, typename Io::template Of<OnFailureSpec>& f) {
  io.Enum("use", f.use, kFailureUses, std::nullopt);
  io.Duration("maxAge", f.max_age, true);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RangeSpec>& r) {
  io.Raw("from", r.from, core::kAnyValue);
  io.Raw("to", r.to, core::kAnyValue);
  io.Raw("step", r.step, core::kAnyValue);
  if constexpr (Io::kReads) io.Check(io.Has("to"), "to", "is required: a range ends before it");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ForEachSpec>& f) {
  io.Raw("in", f.in, core::kAnyValue);
  io.Optional("range", f.range);
  io.ValueMap("matrix", f.matrix, 20, kIdentifierName);
  io.RawList("exclude", f.exclude, 500, core::kAnyValue, nullptr);
  io.RawList("include", f.include, 500, core::kAnyValue, nullptr);
  io.OptionalInteger("parallelism", f.parallelism, {1, double(kMaxItems)});
  io.Raw("minSuccess", f.min_success, core::kAnyValue);
  if constexpr (Io::kReads) {
    const bool matrix = io.Has("matrix") || io.Has("include");
    io.Check(io.Has("in") + io.Has("range") + matrix == 1, "",
             "say exactly one of in, range and matrix");
    io.Check(io.Has("matrix") || !io.Has("exclude"), "exclude", "leaves out of a matrix: add one");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PipelineResult>& r) {
  io.String("name", r.name, kIdentifierName);
  io.Value("value", r.value);
  io.String("description", r.description, kDescription);
  if constexpr (Io::kReads)
    io.Check(r.value && !r.value->is_null(), "value",
             "is required: a text with references, or any JSON");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepSpec>& s);

template <typename Io>
void Fields(Io& io, typename Io::template Of<NestedPipeline>& p) {
  io.String("name", p.name, {kMaxPipelineName});
  io.Bool("library", p.library, false);
  io.Within("steps", p.steps, kMaxSteps, "name");
  io.StringMap("outputs", p.outputs, 100, kIdentifierName, {256});
  io.List("results", p.results, 100, "name");
  if constexpr (Io::kReads) {
    io.Check(p.name.empty() == io.Has("steps"), "", "a pipeline has exactly one of name and steps");
    io.Check(p.name.empty() || (p.outputs.empty() && p.results.empty()), "",
             "outputs and results of a pipeline by name are its own; remove them");
    io.Check(!p.library || !p.name.empty(), "", "library is for a pipeline by name");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepSpec>& s) {
  io.String("name", s.name, kLabelName);
  io.String("description", s.description, kDescription);
  io.Optional("forEach", s.for_each);
  io.Optional("component", s.component);
  io.Optional("container", s.container);
  io.List("containers", s.containers, 20, "name");
  io.List("sidecars", s.sidecars, 10, "name");
  io.Optional("daemon", s.daemon);
  io.Optional("pipeline", s.pipeline);
  io.Optional("approval", s.approval);
  io.Optional("wait", s.wait);
  io.List("locks", s.locks, kMaxLocks, "name");
  io.String("when", s.when, {4096, nullptr, false, false, true});
  io.Bool("allowFailure", s.allow_failure, false);
  io.Optional("onFailure", s.on_failure);
  io.Inputs("inputs", s.inputs, 100, kIdentifierName, kReferenceText);
  io.ValueMap("parameters", s.parameters, 200, kIdentifierName);
  io.List("dependsOn", s.depends_on, 500, "step");
  io.List("outputs", s.outputs, 100, "name");
  io.List("results", s.results, 100, "name");
  io.Raw("resources", s.resources, core::kStepResources);
  io.Object("retry", s.retry);
  io.Object("timeouts", s.timeouts);
  io.Optional("cache", s.cache);
  SchedulingFields(io, s.scheduling);
  io.Raw("pod", s.pod, core::kPod);
  io.RawList("env", s.env, 200, core::kEnvVar, "name");
  io.RawList("envFrom", s.env_from, 50, core::kEnvFrom, nullptr);
  io.RawList("volumes", s.volumes, 50, core::kVolume, "name");
  io.RawList("volumeMounts", s.volume_mounts, 50, core::kVolumeMount, "mountPath");
  if constexpr (Io::kReads) {
    const int kinds = s.component.has_value() + s.container.has_value() + s.pipeline.has_value() +
                      s.approval.has_value() + s.wait.has_value() + int{!s.containers.empty()};
    io.Check(
        kinds == 1, "",
        "a step has exactly one of component, container, containers, pipeline, approval and wait");
    io.Check(!s.component || (s.outputs.empty() && s.results.empty()), "",
             "outputs and results of a step with a component are the Component's; remove them");
    io.Check(!s.container || (s.env.empty() && s.env_from.empty() && s.volume_mounts.empty()), "",
             "env, envFrom and volumeMounts of a step with a container stand in the container");
    io.Check(
        s.containers.empty() || (s.env.empty() && s.env_from.empty() && s.volume_mounts.empty()),
        "", "env, envFrom and volumeMounts of a step with containers stand in these");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepDefaults>& d) {
  io.Raw("resources", d.resources, core::kStepResources);
  io.Object("retry", d.retry);
  io.Object("timeouts", d.timeouts);
  io.Optional("cache", d.cache);
  SchedulingFields(io, d.scheduling);
  io.Raw("pod", d.pod, core::kPod);
}

// As the kind Model has it.
inline constexpr Format kModelName{"^[a-z]([-a-z0-9]*[a-z0-9])?$",
                                   "a lower-case letter, then letters, digits and '-', with a "
                                   "letter or digit at the end"};

template <typename Io>
void Fields(Io& io, typename Io::template Of<RegisterSpec>& r) {
  io.String("model", r.model, {50, &kModelName, true});
  io.String("output", r.output, kIdentifierName);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<RegisteredStatus>& r) {
  io.String("model", r.model, kRequiredObjectName);
  io.Integer("version", r.version, {0, kMaxSafe, true}, std::nullopt);
  io.String("digest", r.digest, {71, &kDigest});
  io.String("run", r.run, kObjectName);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PipelineSpec>& s) {
  io.String("description", s.description, {4096});
  io.Enum("runPolicy", s.run_policy, kRunPolicies, RunPolicy::kOnChange);
  io.Group("concurrency", [&](auto& g) {
    g.Enum("policy", s.concurrency.policy, kConcurrencyPolicies, ConcurrencyPolicy::kQueue);
    g.Integer("max", s.concurrency.max, {1, 100}, 1);
  });
  io.Group("historyLimits", [&](auto& g) {
    g.Integer("succeeded", s.history_limits.succeeded, {0, 1000}, 10);
    g.Integer("failed", s.history_limits.failed, {0, 1000}, 10);
  });
  io.OptionalInteger("parallelism", s.parallelism, {1, 10000});
  io.StringMap("runLabels", s.run_labels, 20, {316}, {256});
  io.Bool("suspend", s.suspend, false);
  io.List("schedules", s.schedules, kMaxSchedules, "name");
  io.Object("schedulePolicy", s.schedule_policy);
  io.List("triggers", s.triggers, kMaxTriggers, nullptr);
  io.Object("ttlAfterFinished", s.ttl_after_finished);
  io.Object("freshness", s.freshness);
  io.List("parameters", s.parameters, 200, "name");
  io.List("inputs", s.inputs, 100, "name");
  io.Object("defaults", s.defaults);
  io.List("volumes", s.volumes, 20, "name");
  io.List("locks", s.locks, kMaxLocks, "name");
  io.Group("timeouts", [&](auto& g) { g.Duration("run", s.timeouts.run); });
  io.List("steps", s.steps, kMaxSteps, "name", 1);
  io.List("finally", s.finally, kMaxFinallySteps, "name");
  io.StringMap("outputs", s.outputs, 100, kIdentifierName, {256});
  io.List("results", s.results, 100, "name");
  io.List("registers", s.registers, kMaxRegisters, "model");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PipelineStatus::LastRun>& r) {
  io.String("name", r.name, kRequiredObjectName);
  io.String("outcome", r.outcome, {40});
  io.Time("finishTime", r.finish_time);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<PipelineStatus>& s) {
  io.Integer("observedGeneration", s.observed_generation, kBytes, 0);
  io.String("observedRunHash", s.observed_run_hash, {64});
  io.Optional("lastRun", s.last_run);
  // Once the Pipeline has been looked at, 0 is told too.
  const auto left_out = s.observed_generation > 0 ? std::nullopt : std::optional<int>(0);
  io.Integer("activeRuns", s.active_runs, kCount, left_out);
  io.List("outputs", s.outputs, 100, "name");
  io.List("schedules", s.schedules, kMaxSchedules, "name");
  io.Time("nextScheduleTime", s.next_schedule);
  io.List("triggers", s.triggers, kMaxTriggers, nullptr);
  io.ValueMap("results", s.results, 100, kIdentifierName);
  io.List("registered", s.registered, kMaxRegisters, "model");
  io.Time("lastSuccessTime", s.last_success);
  io.List("conditions", s.conditions, 20, "type");
}

}  // namespace penstock::api
