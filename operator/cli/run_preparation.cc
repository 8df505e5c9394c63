#include "operator/cli/run_preparation.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/kube/resources.h"
#include "operator/local/pod_launch.h"
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

Json FinishedConditions(const Json& run, TimePoint now) {
  const std::string message = "the process that ran it ended before the run did";
  Json conditions = Json::array();
  for (const Json& old : run.value("status", Json::object()).value("conditions", Json::array())) {
    const std::string type = old.value("type", "");
    if (type != "Finished" && type != "Succeeded") conditions.push_back(old);
  }
  for (const auto& [type, status] : {std::pair{"Succeeded", "False"}, {"Finished", "True"}}) {
    conditions.push_back({{"type", type},
                          {"status", status},
                          {"reason", "Interrupted"},
                          {"message", message},
                          {"lastTransitionTime", FormatTime(now)}});
  }
  return conditions;
}

}  // namespace

Result<Choice> ChoosePipeline(const Manifests& manifests, const std::string& name) {
  std::vector<Choice> choices;
  for (const auto& loaded : manifests.pipelines) {
    choices.push_back({loaded.value, {}, loaded.file});
  }
  for (const auto& loaded : manifests.runs) {
    const api::PipelineRun& run = loaded.value;
    if (run.spec.pipeline_spec) {
      Choice inline_choice{{}, run.spec.parameters, loaded.file};
      inline_choice.pipeline.meta.name =
          run.meta.name.empty() ? run.meta.generate_name : run.meta.name;
      while (inline_choice.pipeline.meta.name.ends_with('-')) {
        inline_choice.pipeline.meta.name.pop_back();
      }
      inline_choice.pipeline.spec = *run.spec.pipeline_spec;
      choices.push_back(std::move(inline_choice));
      continue;
    }
    for (Choice& choice : choices) {
      if (choice.pipeline.meta.name == run.spec.pipeline_ref && choice.parameters.empty()) {
        choice.parameters = run.spec.parameters;
      }
    }
  }
  std::string names;
  for (Choice& choice : choices) {
    if (choice.pipeline.meta.name == name || (name.empty() && choices.size() == 1)) return choice;
    names += (names.empty() ? "" : ", ") + choice.pipeline.meta.name;
  }
  if (choices.empty()) return Invalid("the files hold no Pipeline");
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

std::variant<PreparedRun, Told> PrepareRun(const Manifests& manifests, const RunOptions& options,
                                           const Session& session, const State& state) {
  PreparedRun prepared;
  Result<std::vector<api::Component>> library = LoadLibrary(session);
  if (!library && library.error().kind != ErrorKind::kNotFound) {
    return Told{session.Fail(library.error())};
  }
  if (library) prepared.library = *library;
  std::vector<Problem> warnings;
  const std::vector<Problem> problems =
      CheckManifests(manifests, prepared.library, session.directory, warnings);
  for (const Problem& problem : problems) session.err << Describe(problem) << "\n";
  if (!problems.empty()) {
    if (!library) session.err << "note: " << library.error().message << "\n";
    return Told{kInvalidSpec};
  }
  for (const Problem& warning : warnings) {
    session.err << "warning: " << Describe(warning) << "\n";
  }
  Result<Choice> choice = ChoosePipeline(manifests, options.pipeline);
  if (!choice) return Told{session.Fail(kUsage, choice.error().message)};
  prepared.pipeline = std::move(choice->pipeline);
  prepared.parameters = std::move(choice->parameters);
  api::PipelineSpec& spec = prepared.pipeline.spec;
  spec.run_policy = api::RunPolicy::kManual;  // the run is ours to make
  const auto given = ParseParameters(options.parameters, spec.parameters);
  if (!given) return Told{session.Fail(kUsage, given.error().message)};
  for (const auto& [name, value] : *given) prepared.parameters[name] = value;
  for (const auto& loaded : manifests.components) prepared.components.push_back(loaded.value);
  for (const auto& loaded : manifests.others) {
    if (loaded.value.value("kind", "") == "ConfigMap") prepared.config_maps.push_back(loaded.value);
  }
  if (options.no_cache) TurnCacheOff(spec);
  if (!options.sample.empty()) {
    std::vector<api::Component> all = prepared.library;
    all.insert(all.end(), prepared.components.begin(), prepared.components.end());
    const Result<void> sampled = SetSample(spec, options.sample, all);
    if (!sampled) return Told{session.Fail(kUsage, sampled.error().message)};
  }
  if (Result<void> pinned = PinCode(spec, choice->file, session, state); !pinned) {
    return Told{session.Fail(pinned.error())};
  }
  const Result<std::string> name = NextRunName(prepared.pipeline, state);
  if (!name) return Told{session.Fail(name.error())};
  prepared.run_name = *name;
  return prepared;
}

Result<void> CloseInterruptedRuns(const State& state, TimePoint now) {
  Result<std::vector<Json>> runs = state.Load(kube::kPipelineRuns);
  if (!runs) return runs.error();
  for (Json& run : *runs) {
    if (ConditionStatus(run, "Finished") == "True") continue;
    run["status"]["conditions"] = FinishedConditions(run, now);
    run["status"]["finishTime"] = FormatTime(now);
    if (Result<void> saved = state.Save(kube::kPipelineRuns, run); !saved) return saved;
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
    state.Remove(kube::kPipelineRuns, (*run)["metadata"].value("name", ""));
  }
  return {};
}

}  // namespace penstock::cli
