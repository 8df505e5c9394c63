// The fields of Pipeline. See fields.h.
#pragma once

#include "operator/api/fields.h"

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
void Fields(Io& io, typename Io::template Of<CodeSpec>& c) {
  io.String("path", c.path, {1024});
  io.String("artifact", c.artifact, {71, &kDigest});
  io.Optional("git", c.git);
  if constexpr (Io::kReads) {
    std::string name;
    const bool given = io.Has("configMap");
    io.Group("configMap", [&](auto& g) { g.String("name", name, kRequiredObjectName); });
    if (given) c.config_map = name;
    const int ways = !c.path.empty() + !c.artifact.empty() + c.git.has_value() + given;
    io.Check(ways == 1, "", "say exactly one of path, artifact, git and configMap");
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

// These stand in the step or the defaults themselves, beside their other fields.
template <typename Io>
void SchedulingFields(Io& io, typename Io::template Of<SchedulingSpec>& s) {
  io.String("serviceAccountName", s.service_account_name, kObjectName);
  io.RawList("imagePullSecrets", s.image_pull_secrets, 20, core::kLocalRef, "name");
  io.StringMap("nodeSelector", s.node_selector, 50, {317}, {63});
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

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepSpec>& s) {
  io.String("name", s.name, kLabelName);
  io.String("description", s.description, kDescription);
  io.Optional("component", s.component);
  io.Optional("container", s.container);
  io.StringMap("inputs", s.inputs, 100, kIdentifierName, kReferenceText);
  io.ValueMap("parameters", s.parameters, 200, kIdentifierName);
  io.List("dependsOn", s.depends_on, 500, "step");
  io.List("outputs", s.outputs, 100, "name");
  io.List("results", s.results, 100, "name");
  io.Raw("resources", s.resources, core::kResources);
  io.Object("retry", s.retry);
  io.Object("timeouts", s.timeouts);
  io.Optional("cache", s.cache);
  SchedulingFields(io, s.scheduling);
  io.RawList("env", s.env, 200, core::kEnvVar, "name");
  io.RawList("envFrom", s.env_from, 50, core::kEnvFrom, nullptr);
  io.RawList("volumes", s.volumes, 50, core::kVolume, "name");
  io.RawList("volumeMounts", s.volume_mounts, 50, core::kVolumeMount, "mountPath");
  if constexpr (Io::kReads) {
    io.Check(s.component.has_value() != s.container.has_value(), "",
             "a step has exactly one of component and container");
    io.Check(!s.component || (s.outputs.empty() && s.results.empty()), "",
             "outputs and results of a step with a component are the Component's; remove them");
    io.Check(!s.container || (s.env.empty() && s.env_from.empty() && s.volume_mounts.empty()), "",
             "env, envFrom and volumeMounts of a step with a container stand in the container");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<StepDefaults>& d) {
  io.Raw("resources", d.resources, core::kResources);
  io.Object("retry", d.retry);
  io.Object("timeouts", d.timeouts);
  io.Optional("cache", d.cache);
  SchedulingFields(io, d.scheduling);
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
  io.Bool("suspend", s.suspend, false);
  io.List("parameters", s.parameters, 200, "name");
  io.Object("defaults", s.defaults);
  io.List("steps", s.steps, kMaxSteps, "name", 1);
  io.StringMap("outputs", s.outputs, 100, kIdentifierName, {256});
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
  io.List("conditions", s.conditions, 20, "type");
}

}  // namespace penstock::api
