// One run on this machine, by the engine of the operator.
#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/local_cluster.h"
#include "operator/cli/local_run.h"
#include "operator/cli/objects/await_object.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/progress.h"
#include "operator/cli/prompt/local_approvals.h"
#include "operator/cli/prompt/pinned_approval.h"
#include "operator/cli/run_report.h"
#include "operator/cli/run_start.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/world.h"

namespace penstock::cli {
namespace {

class LocalRun {
 public:
  LocalRun(const RunOptions& options, const Session& session, const State& state,
           Progress& progress)
      : options_(options), session_(session), state_(state), progress_(progress) {}

  // The exit code; `run` gets the finished object when there was one.
  int Go(const PreparedRun& prepared, Json& run);

 private:
  Result<void> Place(kube::Client& client, const PreparedRun& prepared);
  Result<void> AwaitVerdict(kube::Client& client, const std::string& pipeline);
  Result<void> Submit(kube::Client& client, const PreparedRun& prepared);
  Json Follow(kube::Client& client, const std::string& name);
  void Visit(kube::Client& client, const Json& run);
  bool NeverFits(const std::string& pod) {
    const std::lock_guard lock(mutex_);
    return never_fit_.contains(pod);
  }
  static std::vector<Json> StepsWithin(kube::Client& client, const Json& run);
  Result<void> KeepChildren(kube::Client& client, const std::string& run);
  Result<void> KeepRevision(kube::Client& client, const Json& run);
  void Cancel(kube::Client& client, const std::string& name, const char* mode);
  void AwaitPublication(kube::Client& client, const std::string& pipeline, const Json& run);
  Result<void> Restore(kube::Client& client, const api::Pipeline& pipeline,
                       const std::set<std::string>& others);

  const RunOptions& options_;
  const Session& session_;
  const State& state_;
  Progress& progress_;
  std::optional<LocalApprovals> approvals_;
  bool cancelled_for_good_ = false;  // a step can never start here, or nobody decides it
  std::mutex mutex_;
  std::set<std::string> kept_;       // revisions
  std::set<std::string> never_fit_;  // pods that this machine is too small for
};

// Pipelines of earlier runs, with what they publish: $(pipelines.p.outputs.o) finds them.
Result<void> LocalRun::Restore(kube::Client& client, const api::Pipeline& pipeline,
                               const std::set<std::string>& others) {
  const Result<std::vector<Json>> known = state_.Load(kube::kPipelines);
  if (!known) return known.error();
  for (Json object : *known) {
    const std::string name = object["metadata"].value("name", "");
    if (others.contains(name)) continue;  // as the files have it
    const Json outputs = object.value("status", Json::object()).value("outputs", Json::array());
    object["metadata"] = {{"name", name}, {"namespace", kLocalNamespace}};
    object.erase("status");
    if (name == pipeline.meta.name) object = api::Encode(pipeline);
    object["spec"]["runPolicy"] = "Manual";  // only the run that was asked for
    const Result<Json> created = client.Create(kube::kPipelines, kLocalNamespace, object);
    if (!created) return Wrap("Pipeline " + name, created.error());
    if (outputs.empty()) continue;
    kube::PatchOptions status;
    status.subresource = "status";
    const Result<Json> patched = client.MergePatch(kube::kPipelines, kLocalNamespace, name,
                                                   {{"status", {{"outputs", outputs}}}}, status);
    if (!patched) return Wrap("Pipeline " + name, patched.error());
  }
  return {};
}

Result<void> LocalRun::Place(kube::Client& client, const PreparedRun& prepared) {
  api::Pipeline pipeline = prepared.pipeline;
  pipeline.meta.namespace_ = kLocalNamespace;
  for (api::Component component : prepared.components) {
    component.meta.namespace_ = kLocalNamespace;
    const Result<Json> created =
        client.Create(kube::kComponents, kLocalNamespace, api::Encode(component));
    if (!created) return Wrap("Component " + component.meta.name, created.error());
  }
  for (const auto& [type, objects] : {std::pair{&kube::kConfigMaps, &prepared.config_maps},
                                      std::pair{&kube::kSecrets, &prepared.secrets}}) {
    for (Json object : *objects) {
      object["metadata"]["namespace"] = kLocalNamespace;
      const Result<Json> created = client.Create(*type, kLocalNamespace, object);
      if (!created) return Wrap(std::string(type->kind), created.error());
      if (*type != kube::kConfigMaps) continue;  // a Secret is never stored
      // For `penstock debug`.
      if (Result<void> kept = state_.Save(*type, object); !kept) return kept;
    }
  }
  std::set<std::string> of_files;
  for (const api::Pipeline& other : prepared.others) of_files.insert(other.meta.name);
  if (Result<void> restored = Restore(client, pipeline, of_files); !restored) return restored;
  for (api::Pipeline other : prepared.others) {
    const auto label = other.meta.labels.find("penstock.dev/library");
    const bool library = label != other.meta.labels.end() && label->second == "true";
    other.meta.namespace_ = library ? kLibraryNamespace : kLocalNamespace;
    const Result<Json> made =
        client.Create(kube::kPipelines, other.meta.namespace_, api::Encode(other));
    if (!made) return Wrap("Pipeline " + other.meta.name, made.error());
  }
  if (pipeline.spec.steps.empty()) return {};  // of a rerun, whose former run says all
  const Result<Json> stands =
      client.Create(kube::kPipelines, kLocalNamespace, api::Encode(pipeline));
  // Restore made it where an earlier run left it in the state folder.
  if (!stands && stands.error().kind != ErrorKind::kAlreadyExists) {
    return Wrap("Pipeline " + pipeline.meta.name, stands.error());
  }
  return {};
}

// The engine's verdict on the Pipeline as it stands here.
Result<void> LocalRun::AwaitVerdict(kube::Client& client, const std::string& pipeline) {
  const auto judged = [](const Json& object) {
    return ConditionStatus(object, "Ready") == "True" ||
           ConditionStatus(object, "Stalled") == "True";
  };
  const Result<Json> object = ReadUntil(client, kube::kPipelines, kLocalNamespace, pipeline, judged,
                                        {.stop = session_.interrupted});
  if (!object) return object.error();
  if (ConditionStatus(*object, "Ready") == "True") return {};
  return Invalid(ConditionMessage(*object, "Stalled"));
}

Result<void> LocalRun::Submit(kube::Client& client, const PreparedRun& prepared) {
  api::PipelineRun run;
  run.meta.name = prepared.run_name;
  run.meta.namespace_ = kLocalNamespace;
  const api::Pipeline& pipeline = prepared.pipeline;
  run.meta.labels[plan::kLabelPipeline] = pipeline.meta.name;
  run.meta.labels[plan::kLabelRunHash] = plan::RunHash(pipeline.spec);
  run.spec.pipeline_ref = pipeline.meta.name;
  run.spec.parameters = prepared.parameters;
  run.spec.inputs = prepared.inputs;
  run.spec.publish = prepared.publish;
  run.spec.scheduled_time = prepared.scheduled_time;
  run.spec.rerun = prepared.rerun;
  run.spec.suspend = options_.if_changed;  // until it is known whether it would be another run
  const Result<Json> created =
      client.Create(kube::kPipelineRuns, kLocalNamespace, api::Encode(run));
  if (!created) return Wrap("PipelineRun " + run.meta.name, created.error());
  return {};
}

void LocalRun::Cancel(kube::Client& client, const std::string& name, const char* mode) {
  const Result<Json> asked =
      client.MergePatch(kube::kPipelineRuns, kLocalNamespace, name, {{"spec", {{"cancel", mode}}}});
  if (!asked) progress_.Note("cancel: " + asked.error().message);
}

// Looks at a new state of the run: shows and keeps it, and gives up on what can never start.
void LocalRun::Visit(kube::Client& client, const Json& run) {
  progress_.Show(run, session_.clock.Now());
  if (const Result<void> saved = state_.Save(kube::kPipelineRuns, run); !saved) {
    progress_.Note(saved.error().message);
  }
  if (cancelled_for_good_) return;
  if (const Result<void> decided = approvals_->Decide(client, run); !decided) {
    cancelled_for_good_ = true;
    progress_.Note(decided.error().message);
    Cancel(client, run["metadata"].value("name", ""), "Now");
  }
  for (const Json& step : StepsWithin(client, run)) {
    // The runner has told before the pod's status said so, and the message stands in the run's
    // status a moment later: the user is to read it.
    const std::string message = step.value("message", "");
    if (step.value("phase", "") != "Pending" || message.empty() ||
        !NeverFits(step.value("pod", ""))) {
      continue;
    }
    cancelled_for_good_ = true;
    progress_.Note("step " + step.value("name", "") + " can never start here: " + message);
    Cancel(client, run["metadata"].value("name", ""), "Now");
  }
}

// The run's steps, and those of the runs that its steps are.
std::vector<Json> LocalRun::StepsWithin(kube::Client& client, const Json& run) {
  std::vector<Json> steps;
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    steps.push_back(step);
    const std::string within = step.value("run", "");
    if (within.empty() || step.value("phase", "") == "Succeeded") continue;
    const Result<Json> child = client.Get(kube::kPipelineRuns, kLocalNamespace, within);
    if (!child) continue;  // it is being made, or gone with its parent
    for (Json& inner : StepsWithin(client, *child)) steps.push_back(std::move(inner));
  }
  return steps;
}

// The runs within this one, with what they were made of.
Result<void> LocalRun::KeepChildren(kube::Client& client, const std::string& run) {
  const Result<kube::ListPage> runs = client.List(kube::kPipelineRuns, kLocalNamespace, {});
  if (!runs) return runs.error();
  std::multimap<std::string, const Json*> within;  // by the run around it
  for (const Json& one : runs->items) within.emplace(ParentRun(one), &one);
  std::vector<std::string> parents{run};
  while (!parents.empty()) {
    const std::string parent = std::move(parents.back());
    parents.pop_back();
    const auto [first, last] = within.equal_range(parent);
    for (auto child = first; child != last; ++child) {
      if (Result<void> saved = state_.Save(kube::kPipelineRuns, *child->second); !saved)
        return saved;
      if (Result<void> kept = KeepRevision(client, *child->second); !kept) return kept;
      parents.push_back((*child->second)["metadata"].value("name", ""));
    }
  }
  return {};
}

// What the run was made of, for `penstock describe` and the runs after it.
Result<void> LocalRun::KeepRevision(kube::Client& client, const Json& run) {
  const std::string name = run.value("status", Json::object()).value("revision", "");
  if (name.empty()) return {};
  if (!kept_.insert(name).second) return {};  // runs of one content share one
  const Result<Json> revision = client.Get(kube::kControllerRevisions, kLocalNamespace, name);
  if (!revision) return revision.error();
  return state_.Save(kube::kControllerRevisions, *revision);
}

Json LocalRun::Follow(kube::Client& client, const std::string& name) {
  const std::stop_callback stop(session_.interrupted, [&] {
    progress_.Note("cancelling; Ctrl-C again ends the steps at once");
    Cancel(client, name, "Stop");
  });
  const std::stop_callback now(session_.interrupted_twice, [&] { Cancel(client, name, "Now"); });
  const Result<Json> run =
      ReadUntil(client, kube::kPipelineRuns, kLocalNamespace, name, [&](const Json& state) {
        Visit(client, state);
        return HasEnded(state);
      });
  if (!run) return {{"metadata", {{"name", name}}}};  // deleted under us
  return *run;
}

// The Pipeline's controller publishes outputs a moment after the run has ended. Of a run that was
// refused there is nothing to wait for.
void LocalRun::AwaitPublication(kube::Client& client, const std::string& pipeline,
                                const Json& run) {
  const auto published = [&](const Json& object) {
    const Json last = object.value("status", Json::object()).value("lastRun", Json::object());
    return ConditionStatus(run, "Finished") != "True" ||
           (last.value("name", "") == NameOf(run) && !last.value("outcome", "").empty());
  };
  const auto deadline = session_.clock.Steady() + std::chrono::seconds(5);
  const auto enough = [&](const Json& object) {
    return published(object) || session_.clock.Steady() >= deadline;
  };
  const Result<Json> object = ReadUntil(client, kube::kPipelines, kLocalNamespace, pipeline, enough,
                                        {.look_again = std::chrono::seconds(1)});
  if (!object) return;
  const Result<void> saved = state_.Save(kube::kPipelines, *object);
  if (!saved) progress_.Note(saved.error().message);
}

int LocalRun::Go(const PreparedRun& prepared, Json& run) {
  approvals_.emplace(options_.approve, SpecsOf(prepared), session_, PinnedApproval);
  LocalOptions options;
  options.isolation = options_.isolation == "podman"    ? local::Isolation::kPodman
                      : options_.isolation == "process" ? local::Isolation::kProcess
                                                        : local::Isolation::kAuto;
  options.notice = [this](const std::string& line) { progress_.Note("note: " + line); };
  options.never_fits = [this](const std::string& pod) {
    const std::lock_guard lock(mutex_);
    never_fit_.insert(pod);
  };
  Result<std::unique_ptr<LocalCluster>> cluster =
      LocalCluster::Make(session_, state_, prepared.library, options);
  if (!cluster) return session_.Fail(kFailed, cluster.error().message);
  kube::Client& client = (*cluster)->client();
  Result<void> ready = Place(client, prepared);
  if (ready) {
    (*cluster)->Start();
    // What a rerun is pinned to may need less than the Pipeline as it stands.
    if (!prepared.rerun) ready = AwaitVerdict(client, prepared.pipeline.meta.name);
  }
  if (ready) ready = Submit(client, prepared);
  if (!ready) return session_.Fail(ready.error());
  if (options_.if_changed) {
    const Result<RunChange> change = StartIfChanged(
        {client, kLocalNamespace, prepared.run_name, true}, RunArchive(state_), session_);
    if (!change) return session_.Fail(change.error());
    if (change->why.empty()) {
      run = NotStarted(*change);
      return kOk;
    }
  }
  run = Follow(client, prepared.run_name);
  if (Result<void> kept = KeepRevision(client, run); !kept) progress_.Note(kept.error().message);
  if (Result<void> kept = KeepChildren(client, prepared.run_name); !kept)
    progress_.Note(kept.error().message);
  AwaitPublication(client, prepared.pipeline.meta.name, run);
  (*cluster)->Stop();
  if (ConditionStatus(run, "Succeeded") == "True") return kOk;
  return WasRefused(run) ? kInvalidSpec : kFailed;
}

}  // namespace

int RunHere(const PreparedRun& prepared, const RunOptions& options, const Session& session,
            const State& state, Progress& progress, Json& run) {
  return LocalRun(options, session, state, progress).Go(prepared, run);
}

}  // namespace penstock::cli
