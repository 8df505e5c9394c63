#include "operator/cli/run_refusals.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/cli/objects/config_refs.h"
#include "operator/cli/prompt/local_approvals.h"
#include "operator/cli/prompt/pinned_approval.h"
#include "operator/local/pod_environment.h"
#include "operator/local/pod_volumes.h"
#include "operator/local/within.h"
#include "operator/os/child_process.h"
#include "operator/plan/resolve/references.h"

namespace penstock::cli {
namespace {

class Refusals {
 public:
  Refusals(const PreparedRun& prepared, const Session& session, const State& state)
      : prepared_(prepared), session_(session), state_(state) {}

  void Volumes() {
    for (const api::StepSpec& step : Steps()) {
      for (const Json& volume : step.volumes) {
        const std::string why = local::WhyNotLocally(volume);
        if (!why.empty())
          Add("step " + step.name + ": volume " + volume.value("name", "") + ": " + why);
      }
    }
  }

  // Each would need a network of its own beside the step's.
  void Sidecars() {
    for (const api::StepSpec& step : Steps())
      for (const api::SidecarSpec& sidecar : step.sidecars)
        Add("step " + step.name + ": sidecar " + sidecar.name +
            ": a local run has no sidecars; run this step on a cluster");
  }

  void Config() {
    std::vector<ConfigRef> refs = ConfigRefsOf(prepared_.pipeline.spec);
    for (const api::Pipeline& other : prepared_.others)
      for (ConfigRef& ref : ConfigRefsOf(other.spec))
        if (ref.parameter.empty()) refs.push_back(std::move(ref));  // else the step may give it
    for (const ConfigRef& ref : refs) {
      const bool given = !ref.parameter.empty() && prepared_.parameters.contains(ref.parameter);
      if (ref.optional || given || IsThere(ref)) continue;
      std::string how = "; add its manifest to them";
      if (ref.secret)
        how += ", or give it as environment variables " +
               local::SecretVariable(ref.name, ref.keys.empty() ? "" : ref.keys[0]) +
               (ref.keys.empty() ? "<KEY>" : "");
      Add((ref.parameter.empty() ? "step " + ref.step : "parameter " + ref.parameter) + ": " +
          (ref.secret ? "Secret " : "ConfigMap ") + ref.name +
          " is not in the files that were given" + how);
    }
  }

  // podman makes mounts of its own; where it is, whether it can run is seen with the first image.
  void Mounts(const RunOptions& options) {
    if (options.isolation != "process" && FindProgram("podman", session_.Env("PATH"))) return;
    std::string steps;
    for (const api::StepSpec& step : Steps()) {
      std::vector<Json> own = step.container ? step.container->volume_mounts : step.volume_mounts;
      for (const api::StepContainer& c : step.containers)
        own.insert(own.end(), c.program.volume_mounts.begin(), c.program.volume_mounts.end());
      for (const Json& mount : own)
        steps +=
            (steps.empty() ? "" : ", ") + step.name + " (" + mount.value("mountPath", "") + ")";
    }
    if (steps.empty()) return;
    const auto launcher = FindOurProgram(session_, "penstock-launcher");
    if (!launcher) return;  // said when the run is started
    const auto can = local::CanMount(*launcher, state_.root());
    if (!can) Add("volumes of step " + steps + ": " + can.error().message);
  }

  void Artifacts() {
    for (const api::StepSpec& step : Steps()) {
      for (const auto& [name, source] : step.inputs) {
        if (source.first_of.size() != 1) continue;  // which one it is, the run tells
        const std::string digest = Value(source.first_of[0]);
        if (!IsDigest(digest) || state_.store().Find(kLocalNamespace, digest)) continue;
        Add("step " + step.name + ": input " + name + ": " + state_.root().string() + " has no " +
            digest + "; `" + session_.name + " artifact put FILE --state " +
            state_.root().string() + "` puts it there");
      }
    }
  }

  void Add(std::string why) { all_.push_back(std::move(why)); }
  [[nodiscard]] std::vector<std::string> Take() { return std::move(all_); }

 private:
  // Of all Pipelines, within each other too.
  [[nodiscard]] std::vector<api::StepSpec> Steps() const {
    std::vector<api::StepSpec> all;
    const auto add = [&](const api::StepSpec& step, const std::string&) { all.push_back(step); };
    api::ForEachStep(prepared_.pipeline.spec, "spec", add);
    for (const api::Pipeline& other : prepared_.others) api::ForEachStep(other.spec, "spec", add);
    return all;
  }

  [[nodiscard]] bool IsThere(const ConfigRef& ref) const {
    const auto& objects = ref.secret ? prepared_.secrets : prepared_.config_maps;
    if (std::any_of(objects.begin(), objects.end(),
                    [&](const Json& o) { return NameOf(o) == ref.name; }))
      return true;
    if (!ref.secret) return false;
    const auto given = [&](const std::string& variable) { return !session_.Env(variable).empty(); };
    if (!ref.keys.empty())
      return std::all_of(ref.keys.begin(), ref.keys.end(), [&](const std::string& key) {
        return given(local::SecretVariable(ref.name, key));
      });
    const std::string start = local::SecretVariable(ref.name, "");
    return std::any_of(session_.env.begin(), session_.env.end(),
                       [&](const auto& v) { return v.first.starts_with(start); });
  }

  // What an input is when the pipeline's parameters stand in it; "" where more is needed.
  [[nodiscard]] std::string Value(const std::string& text) const {
    const auto value = plan::ExpandAll(Json(text), [this](const Reference& r) -> Result<Json> {
      if (!r.Is({"parameters", "*"})) return NotFound(r.Text());
      if (const auto it = prepared_.parameters.find(r.path[1]); it != prepared_.parameters.end())
        return Select(it->second, r, 2);
      for (const auto& declared : prepared_.pipeline.spec.parameters)
        if (declared.name == r.path[1] && declared.default_value)
          return Select(*declared.default_value, r, 2);
      return NotFound(r.Text());
    });
    return value && value->is_string() ? value->get<std::string>() : "";
  }

  const PreparedRun& prepared_;
  const Session& session_;
  const State& state_;
  std::vector<std::string> all_;
};

}  // namespace

std::vector<std::string> WhatCannotRunHere(const PreparedRun& prepared, const Choice& choice,
                                           const RunOptions& options, const Session& session,
                                           const State& state) {
  Refusals refusals(prepared, session, state);
  if (choice.run && choice.run->spec.suspend) {
    refusals.Add(
        "PipelineRun " + prepared.pipeline.meta.name +
        " is suspended (spec.suspend is true), and in a local run nobody could let it go " +
        "on; remove suspend, or apply it to a cluster");
  }
  if (choice.run && choice.run->spec.cancel != api::CancelMode::kNone) {
    refusals.Add("PipelineRun " + prepared.pipeline.meta.name +
                 " is cancelled (spec.cancel); remove cancel to run it");
  }
  refusals.Volumes();
  refusals.Sidecars();
  refusals.Config();
  refusals.Mounts(options);
  refusals.Artifacts();
  return refusals.Take();
}

std::vector<std::string> WrongApprovals(const Manifests& manifests, const CheckedFiles& files,
                                        const RunOptions& options, const Session& session) {
  std::vector<const api::PipelineSpec*> specs;
  for (const Choice& choice : files.choices) specs.push_back(&choice.pipeline.spec);
  for (const auto& loaded : manifests.pipelines) specs.push_back(&loaded.value.spec);
  return LocalApprovals(options.approve, specs, session, PinnedApproval).wrong();
}

}  // namespace penstock::cli
