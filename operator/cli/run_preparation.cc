#include "operator/cli/run_preparation.h"

#include <algorithm>
#include <set>

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
  Choice choice{{}, run.spec.parameters, run.spec.inputs, loaded.file, run};
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
  std::set<std::string> within;  // they are run by others of the files
  for (const auto& loaded : manifests.pipelines)
    api::ForEachStep(loaded.value.spec, "", [&](const api::StepSpec& step, const std::string&) {
      if (step.pipeline && step.pipeline->name != loaded.value.meta.name)
        within.insert(step.pipeline->name);
    });
  const auto outermost =
      std::count_if(manifests.pipelines.begin(), manifests.pipelines.end(),
                    [&](const auto& loaded) { return !within.contains(loaded.value.meta.name); });
  for (const auto& loaded : manifests.pipelines) {
    const std::string& its = loaded.value.meta.name;
    const bool meant = its == name || (name.empty() && outermost == 1 && !within.contains(its));
    if (meant) return std::vector<Choice>{{loaded.value, {}, {}, loaded.file, {}}};
  }
  if (names.empty()) return Invalid("the files hold no Pipeline");
  if (name.empty())
    return Invalid("the files hold several Pipelines: choose by --pipeline " + names);
  return Invalid("the files hold no Pipeline " + name + "; there is " + names);
}

std::vector<const api::PipelineSpec*> SpecsOf(const PreparedRun& prepared) {
  std::vector<const api::PipelineSpec*> specs{&prepared.pipeline.spec};
  for (const api::Pipeline& other : prepared.others) specs.push_back(&other.spec);
  return specs;
}

void TurnCacheOff(api::PipelineSpec& spec) {
  const auto off = [](std::optional<api::CacheSpec>& cache) {
    if (!cache) cache.emplace();
    cache->enabled = false;
  };
  off(spec.defaults.cache);
  api::ForEachStep(spec, "", [&](api::StepSpec& step, const std::string&) {
    if (step.cache) off(step.cache);
  });
}

Result<void> SetSample(api::PipelineSpec& spec, const std::string& sample,
                       const std::vector<api::Component>& components) {
  bool any = false;
  api::ForEachStep(spec, "", [&](api::StepSpec& step, const std::string&) {
    if (!HasSample(step, components)) return;
    step.parameters["sample"] = sample;
    any = true;
  });
  if (any) return {};
  return Invalid("--sample: no step of the pipeline uses a component with a parameter \"sample\"");
}

Result<void> PinCode(api::PipelineSpec& spec, const std::string& file, const Session& session,
                     const State& state) {
  Result<void> put;
  api::ForEachStep(spec, "", [&](api::StepSpec& step, const std::string&) {
    if (!put || !step.container || !step.container->code || step.container->code->path.empty())
      return;
    api::CodeSpec& code = *step.container->code;
    const fs::path folder = CodeFolder(file, code.path, session.directory);
    const Result<ArtifactRef> artifact = state.store().Put(kLocalNamespace, folder);
    if (!artifact) {
      put = Wrap("step " + step.name + ": code", artifact.error());
      return;
    }
    code.path.clear();
    code.artifact = artifact->digest;
  });
  return put;
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
  if (choice.run) prepared.scheduled_time = choice.run->spec.scheduled_time;
  api::PipelineSpec& spec = prepared.pipeline.spec;
  spec.run_policy = api::RunPolicy::kManual;  // the run is ours to make
  for (api::ScheduleSpec& schedule : spec.schedules) schedule.suspend = true;
  spec.triggers.clear();
  const auto given = ParseParameters(options.parameters, spec.parameters);
  if (!given) return Told{session.Fail(kUsage, given.error().message)};
  for (const auto& [name, value] : *given) prepared.parameters[name] = value;
  prepared.inputs = choice.inputs;
  const auto inputs = ParseInputs(options.inputs, spec.inputs);
  if (!inputs) return Told{session.Fail(kUsage, inputs.error().message)};
  for (const auto& [name, source] : *inputs) prepared.inputs[name] = source;
  for (const auto& loaded : manifests.pipelines) {
    if (loaded.value.meta.name == prepared.pipeline.meta.name) continue;
    api::Pipeline& other = prepared.others.emplace_back(loaded.value);
    other.spec.run_policy = api::RunPolicy::kManual;
    if (options.no_cache) TurnCacheOff(other.spec);
    if (Result<void> pinned = PinCode(other.spec, loaded.file, session, state); !pinned)
      return Told{session.Fail(pinned.error())};
  }
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

namespace {

std::string RevisionOf(const Json& run) {
  return run.value("status", Json::object()).value("revision", "");
}

}  // namespace

Result<void> PruneRuns(const State& state, std::size_t keep) {
  Result<std::vector<Json>> runs = state.Load(kube::kPipelineRuns);
  if (!runs) return runs.error();
  std::map<std::string, std::size_t> kept;
  std::map<std::string, bool> is_kept;  // by name
  std::map<std::string, const Json*> by_name;
  for (const Json& run : *runs) by_name.emplace(NameOf(run), &run);
  // A run within another is kept as long as that; where no state has that, it is of a run that was
  // killed.
  const auto keeps = [&](const Json& run) {
    const Json* top = &run;
    for (std::size_t up = 0; up < by_name.size() && !ParentRun(*top).empty(); ++up) {
      const auto above = by_name.find(ParentRun(*top));
      if (above == by_name.end()) return false;
      top = above->second;
    }
    return is_kept[NameOf(*top)];
  };
  for (auto run = runs->rbegin(); run != runs->rend(); ++run) {
    if (!ParentRun(*run).empty()) continue;
    const std::string pipeline =
        (*run)["spec"].value("pipelineRef", Json::object()).value("name", "");
    is_kept[NameOf(*run)] = ++kept[pipeline] <= keep || ConditionStatus(*run, "Finished") != "True";
  }
  std::set<std::string> unnamed;  // revisions: runs of one content share one
  for (auto run = runs->rbegin(); run != runs->rend(); ++run) {
    if (keeps(*run)) continue;
    for (const Json& step : run->value("status", Json::object()).value("steps", Json::array())) {
      const std::string pod = step.value("pod", "");
      if (pod.empty()) continue;
      const local::PodPaths paths = local::PathsOf(state.root(), kLocalNamespace, pod);
      local::RemoveFolder(paths.folder);
      std::error_code ignored;
      fs::remove(paths.log, ignored);
    }
    if (const std::string revision = RevisionOf(*run); !revision.empty()) unnamed.insert(revision);
    if (const std::string uid = (*run)["metadata"].value("uid", ""); !uid.empty()) {
      Result<void> removed = state.store().RemoveReceipts(kLocalNamespace, uid);
      if (!removed) return removed;
    }
    state.Remove(kube::kPipelineRuns, (*run)["metadata"].value("name", ""));
  }
  for (const Json& run : *runs)
    if (keeps(run)) unnamed.erase(RevisionOf(run));
  for (const std::string& revision : unnamed) state.Remove(kube::kControllerRevisions, revision);
  return {};
}

}  // namespace penstock::cli
