#include "operator/cli/run_preparation.h"

#include <algorithm>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/cli/objects/manifest_check.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/run_refusals.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_launch.h"
#include "operator/local/pod_volumes.h"
#include "operator/plan/pipeline/change_run.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

bool HasSample(const api::StepSpec& step, const std::vector<api::Component>& components) {
  if (!step.component) return false;
  return std::any_of(components.begin(), components.end(), [&](const api::Component& c) {
    return c.spec.name == step.component->name &&
           std::any_of(c.spec.parameters.begin(), c.spec.parameters.end(),
                       [](const api::ParameterSpec& p) { return p.name == "sample"; });
  });
}

// A Secret as the API server keeps it: stringData is data in base64.
Json AsStored(Json secret) {
  const Json texts = secret.value("stringData", Json::object());
  for (const auto& [key, text] : texts.items()) {
    if (text.is_string()) secret["data"][key] = EncodeBase64(text.get<std::string>());
  }
  secret.erase("stringData");
  return secret;
}

// A run's own Pipeline: the one of the files that it names, or its inline spec under its own name.
Result<Choice> ChoiceOf(const Manifests& manifests, const Loaded<api::PipelineRun>& loaded) {
  const api::PipelineRun& run = loaded.value;
  Choice choice{{}, run.spec.parameters, loaded.file, run};
  const std::string name = run.meta.name.empty() ? run.meta.generate_name : run.meta.name;
  if (run.spec.pipeline_spec) {
    choice.pipeline.meta.name = name;
    while (choice.pipeline.meta.name.ends_with('-')) choice.pipeline.meta.name.pop_back();
    choice.pipeline.spec = *run.spec.pipeline_spec;
    return choice;
  }
  for (const auto& pipeline : manifests.pipelines) {
    if (pipeline.value.meta.name != run.spec.pipeline_ref) continue;
    choice.pipeline = pipeline.value;
    choice.file = pipeline.file;
    return choice;
  }
  return Invalid("PipelineRun " + name + " names the Pipeline " + run.spec.pipeline_ref +
                 ", which is not in the files; add its manifest to them");
}

}  // namespace

Result<std::vector<Choice>> ChooseRuns(const Manifests& manifests, const std::string& name) {
  std::vector<Choice> choices;
  std::string names;
  const auto note = [&](const std::string& one) { names += (names.empty() ? "" : ", ") + one; };
  for (const auto& loaded : manifests.runs) {
    const api::PipelineRunSpec& spec = loaded.value.spec;
    if (!spec.pipeline_spec && !name.empty() && spec.pipeline_ref != name) continue;
    Result<Choice> choice = ChoiceOf(manifests, loaded);
    if (!choice) return choice.error();
    const std::string& its = choice->pipeline.meta.name;
    if (spec.pipeline_spec) note(its);
    if (name.empty() || its == name) choices.push_back(*std::move(choice));
  }
  for (const auto& loaded : manifests.pipelines) note(loaded.value.meta.name);
  if (!choices.empty()) return choices;
  for (const auto& loaded : manifests.pipelines) {
    const bool meant =
        loaded.value.meta.name == name || (name.empty() && manifests.pipelines.size() == 1);
    if (meant) return std::vector<Choice>{{loaded.value, {}, loaded.file, {}}};
  }
  if (names.empty()) return Invalid("the files hold no Pipeline");
  if (name.empty())
    return Invalid("the files hold several Pipelines: choose by --pipeline " + names);
  return Invalid("the files hold no Pipeline " + name + "; there is " + names);
}

void TurnCacheOff(api::PipelineSpec& spec) {
  const auto off = [](std::optional<api::CacheSpec>& cache) {
    if (!cache) cache.emplace();
    cache->enabled = false;
  };
  off(spec.defaults.cache);
  for (api::StepSpec& step : spec.steps) {
    if (step.cache) off(step.cache);
  }
}

Result<void> SetSample(api::PipelineSpec& spec, const std::string& sample,
                       const std::vector<api::Component>& components) {
  bool any = false;
  for (api::StepSpec& step : spec.steps) {
    if (!HasSample(step, components)) continue;
    step.parameters["sample"] = sample;
    any = true;
  }
  if (any) return {};
  return Invalid("--sample: no step of the pipeline uses a component with a parameter \"sample\"");
}

Result<void> PinCode(api::PipelineSpec& spec, const std::string& file, const Session& session,
                     const State& state) {
  for (api::StepSpec& step : spec.steps) {
    if (!step.container || !step.container->code || step.container->code->path.empty()) continue;
    api::CodeSpec& code = *step.container->code;
    const fs::path folder = CodeFolder(file, code.path, session.directory);
    const Result<ArtifactRef> artifact = state.store().Put(kLocalNamespace, folder);
    if (!artifact) return Wrap("step " + step.name + ": code", artifact.error());
    code.path.clear();
    code.artifact = artifact->digest;
  }
  return {};
}

Result<std::string> NextRunName(const api::Pipeline& pipeline, const State& state) {
  const std::string hash = plan::RunHash(pipeline.spec);
  for (int n = 1;; ++n) {
    std::string name = plan::RunName(pipeline.meta.name, hash, n);
    const Result<Json> taken = state.Get(kube::kPipelineRuns, name);
    if (taken) continue;
    if (taken.error().kind == ErrorKind::kNotFound) return name;
    return taken.error();
  }
}

std::variant<CheckedFiles, Told> CheckFiles(const Manifests& manifests, const RunOptions& options,
                                            const Session& session) {
  CheckedFiles checked;
  Result<std::vector<api::Component>> library = LoadLibrary(session);
  if (!library && library.error().kind != ErrorKind::kNotFound) {
    return Told{session.Fail(library.error())};
  }
  if (library) checked.library = *library;
  std::vector<Problem> warnings;
  const std::vector<Problem> problems =
      CheckManifests(manifests, checked.library, session.directory, warnings);
  for (const Problem& problem : problems) session.err << Describe(problem) << "\n";
  if (!problems.empty()) {
    if (!library) session.err << "note: " << library.error().message << "\n";
    return Told{kInvalidSpec};
  }
  for (const Problem& warning : warnings) {
    session.err << "warning: " << Describe(warning) << "\n";
  }
  Result<std::vector<Choice>> choices = ChooseRuns(manifests, options.pipeline);
  if (!choices) return Told{session.Fail(kUsage, choices.error().message)};
  checked.choices = *std::move(choices);
  return checked;
}

std::variant<PreparedRun, Told> PrepareRun(const Manifests& manifests, const CheckedFiles& files,
                                           const Choice& choice, const RunOptions& options,
                                           const Session& session, const State& state) {
  PreparedRun prepared;
  prepared.library = files.library;
  prepared.pipeline = choice.pipeline;
  prepared.parameters = choice.parameters;
  prepared.publish = !choice.run || choice.run->spec.publish;
  api::PipelineSpec& spec = prepared.pipeline.spec;
  spec.run_policy = api::RunPolicy::kManual;  // the run is ours to make
  const auto given = ParseParameters(options.parameters, spec.parameters);
  if (!given) return Told{session.Fail(kUsage, given.error().message)};
  for (const auto& [name, value] : *given) prepared.parameters[name] = value;
  for (const auto& loaded : manifests.components) prepared.components.push_back(loaded.value);
  for (const auto& loaded : manifests.others) {
    const std::string kind = KindOf(loaded.value);
    if (kind == "ConfigMap") prepared.config_maps.push_back(loaded.value);
    if (kind == "Secret") prepared.secrets.push_back(AsStored(loaded.value));
  }
  if (options.no_cache) TurnCacheOff(spec);
  if (!options.sample.empty()) {
    std::vector<api::Component> all = prepared.library;
    all.insert(all.end(), prepared.components.begin(), prepared.components.end());
    const Result<void> sampled = SetSample(spec, options.sample, all);
    if (!sampled) return Told{session.Fail(kUsage, sampled.error().message)};
  }
  const std::vector<std::string> refused =
      WhatCannotRunHere(prepared, choice, options, session, state);
  for (const std::string& why : refused) session.err << "error: " << why << "\n";
  if (!refused.empty()) return Told{kInvalidSpec};
  if (Result<void> pinned = PinCode(spec, choice.file, session, state); !pinned) {
    return Told{session.Fail(pinned.error())};
  }
  const Result<std::string> name = NextRunName(prepared.pipeline, state);
  if (!name) return Told{session.Fail(name.error())};
  prepared.run_name = *name;
  return prepared;
}

Result<void> CloseInterruptedRuns(const State& state, TimePoint now) {
  local::RemoveLeftovers(state.root());
  Result<std::vector<Json>> runs = state.Load(kube::kPipelineRuns);
  if (!runs) return runs.error();
  for (Json& run : *runs) {
    if (ConditionStatus(run, "Finished") == "True") continue;
    Result<void> saved = state.Save(kube::kPipelineRuns, ClosedRun(std::move(run), now));
    if (!saved) return saved;
  }
  return {};
}

Result<void> PruneRuns(const State& state, std::size_t keep) {
  Result<std::vector<Json>> runs = state.Load(kube::kPipelineRuns);
  if (!runs) return runs.error();
  std::map<std::string, std::size_t> kept;
  for (auto run = runs->rbegin(); run != runs->rend(); ++run) {
    const std::string pipeline =
        (*run)["spec"].value("pipelineRef", Json::object()).value("name", "");
    if (++kept[pipeline] <= keep || ConditionStatus(*run, "Finished") != "True") continue;
    for (const Json& step : run->value("status", Json::object()).value("steps", Json::array())) {
      const std::string pod = step.value("pod", "");
      if (pod.empty()) continue;
      const local::PodPaths paths = local::PathsOf(state.root(), kLocalNamespace, pod);
      local::RemoveFolder(paths.folder);
      std::error_code ignored;
      fs::remove(paths.log, ignored);
    }
    const std::string revision = run->value("status", Json::object()).value("revision", "");
    if (!revision.empty()) state.Remove(kube::kControllerRevisions, revision);
    state.Remove(kube::kPipelineRuns, (*run)["metadata"].value("name", ""));
  }
  return {};
}

}  // namespace penstock::cli
