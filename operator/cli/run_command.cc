// penstock run: a Pipeline on this machine, by the engine of the operator.
#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <ostream>
#include <variant>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/local_cluster.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/objects/progress.h"
#include "operator/cli/objects/source_watch.h"
#include "operator/kube/resources.h"
#include "operator/plan/pipeline/world.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeepRuns = 20;
constexpr int kLogTail = 15;

// Everything that one run needs, ready to go.
struct Prepared {
  api::Pipeline pipeline;
  std::map<std::string, Json> parameters;
  std::string run_name;
  std::vector<api::Component> library;
  std::vector<api::Component> components;  // of the files
  std::vector<Json> config_maps;
};

// A failure that has been told already, by its exit code.
struct Told {
  int code;
};

class LocalRun {
 public:
  LocalRun(const RunOptions& options, const Session& session, const State& state,
           Progress& progress)
      : options_(options), session_(session), state_(state), progress_(progress) {}

  // The exit code; `run` gets the finished object when there was one.
  int Go(const Manifests& manifests, Json& run);

 private:
  std::variant<Prepared, Told> Prepare(const Manifests& manifests);
  Result<void> Place(kube::Client& client, const Prepared& prepared);
  Result<void> AwaitVerdict(kube::Client& client, const std::string& pipeline);
  Result<void> Submit(kube::Client& client, const Prepared& prepared);
  Json Follow(kube::Client& client, const std::string& name);
  void Visit(kube::Client& client, const Json& run);
  void Cancel(kube::Client& client, const std::string& name, const char* mode);
  void AwaitPublication(kube::Client& client, const std::string& pipeline, const std::string& run);
  Result<void> Restore(kube::Client& client, const api::Pipeline& pipeline);

  const RunOptions& options_;
  const Session& session_;
  const State& state_;
  Progress& progress_;
  bool cancelled_for_good_ = false;  // a step can never start here
};

std::variant<Prepared, Told> LocalRun::Prepare(const Manifests& manifests) {
  Prepared prepared;
  Result<std::vector<api::Component>> library = LoadLibrary(session_);
  if (!library && library.error().kind != ErrorKind::kNotFound) {
    return Told{session_.Fail(library.error())};
  }
  if (library) prepared.library = *library;
  std::vector<Problem> warnings;
  const std::vector<Problem> problems =
      CheckManifests(manifests, prepared.library, session_.directory, warnings);
  for (const Problem& problem : problems) session_.err << Describe(problem) << "\n";
  if (!problems.empty()) {
    if (!library) session_.err << "note: " << library.error().message << "\n";
    return Told{kInvalidSpec};
  }
  for (const Problem& warning : warnings) {
    session_.err << "warning: " << Describe(warning) << "\n";
  }
  Result<Choice> choice = ChoosePipeline(manifests, options_.pipeline);
  if (!choice) return Told{session_.Fail(kUsage, choice.error().message)};
  prepared.pipeline = std::move(choice->pipeline);
  prepared.parameters = std::move(choice->parameters);
  api::PipelineSpec& spec = prepared.pipeline.spec;
  spec.run_policy = api::RunPolicy::kManual;  // the run is ours to make
  const auto given = ParseParameters(options_.parameters, spec.parameters);
  if (!given) return Told{session_.Fail(kUsage, given.error().message)};
  for (const auto& [name, value] : *given) prepared.parameters[name] = value;
  for (const auto& loaded : manifests.components) prepared.components.push_back(loaded.value);
  for (const auto& loaded : manifests.others) {
    if (loaded.value.value("kind", "") == "ConfigMap") prepared.config_maps.push_back(loaded.value);
  }
  if (options_.no_cache) TurnCacheOff(spec);
  if (!options_.sample.empty()) {
    std::vector<api::Component> all = prepared.library;
    all.insert(all.end(), prepared.components.begin(), prepared.components.end());
    const Result<void> sampled = SetSample(spec, options_.sample, all);
    if (!sampled) return Told{session_.Fail(kUsage, sampled.error().message)};
  }
  if (Result<void> pinned = PinCode(spec, choice->file, session_, state_); !pinned) {
    return Told{session_.Fail(pinned.error())};
  }
  const Result<std::string> name = NextRunName(prepared.pipeline, state_);
  if (!name) return Told{session_.Fail(name.error())};
  prepared.run_name = *name;
  return prepared;
}

// Pipelines of earlier runs, with what they publish: $(pipelines.p.outputs.o) finds them.
Result<void> LocalRun::Restore(kube::Client& client, const api::Pipeline& pipeline) {
  const Result<std::vector<Json>> known = state_.Load(kube::kPipelines);
  if (!known) return known.error();
  for (Json object : *known) {
    const std::string name = object["metadata"].value("name", "");
    const Json outputs = object.value("status", Json::object()).value("outputs", Json::array());
    object["metadata"] = {{"name", name}, {"namespace", kLocalNamespace}};
    object.erase("status");
    if (name == pipeline.meta.name) object = api::Encode(pipeline);
    object["spec"]["runPolicy"] = "Manual";
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

Result<void> LocalRun::Place(kube::Client& client, const Prepared& prepared) {
  api::Pipeline pipeline = prepared.pipeline;
  pipeline.meta.namespace_ = kLocalNamespace;
  for (api::Component component : prepared.components) {
    component.meta.namespace_ = kLocalNamespace;
    const Result<Json> created =
        client.Create(kube::kComponents, kLocalNamespace, api::Encode(component));
    if (!created) return Wrap("Component " + component.meta.name, created.error());
  }
  for (const Json& map : prepared.config_maps) {
    const Result<Json> created = client.Create(kube::kConfigMaps, kLocalNamespace, map);
    if (!created) return Wrap("ConfigMap", created.error());
  }
  if (Result<void> restored = Restore(client, pipeline); !restored) return restored;
  const Result<Json> stands =
      client.Create(kube::kPipelines, kLocalNamespace, api::Encode(pipeline));
  if (!stands && stands.error().kind != ErrorKind::kAlreadyExists) {
    return Wrap("Pipeline " + pipeline.meta.name, stands.error());
  }
  return {};
}

// The engine's verdict on the Pipeline as it stands here.
Result<void> LocalRun::AwaitVerdict(kube::Client& client, const std::string& pipeline) {
  while (true) {
    const Result<Json> object = client.Get(kube::kPipelines, kLocalNamespace, pipeline);
    if (!object) return object.error();
    if (ConditionStatus(*object, "Ready") == "True") return {};
    if (ConditionStatus(*object, "Stalled") == "True") {
      return Invalid(ConditionMessage(*object, "Stalled"));
    }
    if (session_.interrupted.stop_requested()) return Cancelled("interrupted before the run began");
    kube::WatchOptions options;
    options.field_selector = "metadata.name=" + pipeline;
    options.resource_version = (*object)["metadata"].value("resourceVersion", "");
    const Result<void> watched = client.Watch(
        kube::kPipelines, kLocalNamespace, options, [](kube::WatchEvent&) { return false; },
        session_.interrupted);
    static_cast<void>(watched);  // however it ended, the object is read again
  }
}

Result<void> LocalRun::Submit(kube::Client& client, const Prepared& prepared) {
  api::PipelineRun run;
  run.meta.name = prepared.run_name;
  run.meta.namespace_ = kLocalNamespace;
  const api::Pipeline& pipeline = prepared.pipeline;
  run.meta.labels[plan::kLabelPipeline] = pipeline.meta.name;
  run.meta.labels[plan::kLabelRunHash] = plan::RunHash(pipeline.spec);
  run.meta.labels[plan::kLabelCause] = "Change";  // its outputs are the Pipeline's
  run.spec.pipeline_ref = pipeline.meta.name;
  run.spec.parameters = prepared.parameters;
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
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    const std::string message = step.value("message", "");
    if (step.value("phase", "") != "Pending" ||
        message.find("This machine has") == std::string::npos) {
      continue;
    }
    cancelled_for_good_ = true;
    progress_.Note("step " + step.value("name", "") + " can never start here: " + message);
    Cancel(client, run["metadata"].value("name", ""), "Now");
  }
}

bool HasEnded(const Json& run) {
  return ConditionStatus(run, "Finished") == "True" || ConditionStatus(run, "Stalled") == "True";
}

Json LocalRun::Follow(kube::Client& client, const std::string& name) {
  const std::stop_callback stop(session_.interrupted, [&] {
    progress_.Note("cancelling; Ctrl-C again ends the steps at once");
    Cancel(client, name, "Stop");
  });
  const std::stop_callback now(session_.interrupted_twice, [&] { Cancel(client, name, "Now"); });
  while (true) {
    Result<Json> run = client.Get(kube::kPipelineRuns, kLocalNamespace, name);
    if (!run) return {{"metadata", {{"name", name}}}};  // deleted under us
    Visit(client, *run);
    if (HasEnded(*run)) return *run;
    kube::WatchOptions options;
    options.field_selector = "metadata.name=" + name;
    options.resource_version = (*run)["metadata"].value("resourceVersion", "");
    const auto sink = [&](kube::WatchEvent& event) {
      if (event.type == kube::WatchEventType::kBookmark) return true;
      Visit(client, *event.object);
      return event.type != kube::WatchEventType::kDeleted && !HasEnded(*event.object);
    };
    // However it ends, the run is read again and the watch goes on from there.
    const Result<void> watched =
        client.Watch(kube::kPipelineRuns, kLocalNamespace, options, sink, {});
    static_cast<void>(watched);
  }
}

// The Pipeline's controller publishes outputs a moment after the run has ended.
void LocalRun::AwaitPublication(kube::Client& client, const std::string& pipeline,
                                const std::string& run) {
  const auto published = [&](const Json& object) {
    const Json last = object.value("status", Json::object()).value("lastRun", Json::object());
    return last.value("name", "") == run && !last.value("outcome", "").empty();
  };
  const auto deadline = session_.clock.Steady() + std::chrono::seconds(5);
  while (true) {
    const Result<Json> object = client.Get(kube::kPipelines, kLocalNamespace, pipeline);
    if (!object) return;
    if (published(*object) || session_.clock.Steady() >= deadline) {
      const Result<void> saved = state_.Save(kube::kPipelines, *object);
      if (!saved) progress_.Note(saved.error().message);
      return;
    }
    kube::WatchOptions options;
    options.field_selector = "metadata.name=" + pipeline;
    options.resource_version = (*object)["metadata"].value("resourceVersion", "");
    options.server_timeout = std::chrono::seconds(1);
    const Result<void> watched =
        client.Watch(kube::kPipelines, kLocalNamespace, options,
                     [&](kube::WatchEvent& event) { return !published(*event.object); }, {});
    static_cast<void>(watched);  // its end is looked at above
  }
}

int LocalRun::Go(const Manifests& manifests, Json& run) {
  std::variant<Prepared, Told> made = Prepare(manifests);
  if (const Told* told = std::get_if<Told>(&made)) return told->code;
  const Prepared& prepared = std::get<Prepared>(made);
  LocalOptions options;
  options.isolation = options_.isolation == "podman"    ? local::Isolation::kPodman
                      : options_.isolation == "process" ? local::Isolation::kProcess
                                                        : local::Isolation::kAuto;
  options.notice = [this](const std::string& line) { progress_.Note("note: " + line); };
  Result<std::unique_ptr<LocalCluster>> cluster =
      LocalCluster::Make(session_, state_, prepared.library, options);
  if (!cluster) return session_.Fail(kFailed, cluster.error().message);
  kube::Client& client = (*cluster)->client();
  Result<void> ready = Place(client, prepared);
  if (ready) {
    (*cluster)->Start();
    ready = AwaitVerdict(client, prepared.pipeline.meta.name);
  }
  if (ready) ready = Submit(client, prepared);
  if (!ready) return session_.Fail(ready.error());
  run = Follow(client, prepared.run_name);
  AwaitPublication(client, prepared.pipeline.meta.name, prepared.run_name);
  (*cluster)->Stop();
  const std::string word = RunWord(run);
  return word == "Succeeded" ? kOk : word == "Invalid" ? kInvalidSpec : kFailed;
}

// The end of a failed step's log, which most often says why.
void ShowFailures(const Json& run, const State& state, const Session& session) {
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    if (step.value("phase", "") != "Failed") continue;
    const std::string name = step.value("name", ""), pod = step.value("pod", "");
    session.err << "error: step " << name << " failed: " << OneLine(step.value("message", ""))
                << "\n";
    std::ifstream log(local::PathsOf(state.root(), kLocalNamespace, pod).log);
    std::deque<std::string> tail;
    for (std::string line; std::getline(log, line);) {
      tail.push_back(std::move(line));
      if (tail.size() > kLogTail) tail.pop_front();
    }
    for (const std::string& line : tail) session.err << "  | " << OneLine(line) << "\n";
    session.err << "  see `" << session.name << " logs " << run["metadata"].value("name", "") << " "
                << name << "` and `" << session.name << " debug "
                << run["metadata"].value("name", "") << " " << name << " --local`\n";
  }
}

void ShowResults(const Json& run, const Session& session) {
  Table table{{"STEP", "RESULT", "VALUE"}, {}};
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    const Json results = step.value("results", Json::object());
    for (const auto& [name, value] : results.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      table.rows.push_back({step.value("name", ""), name, Elide(OneLine(text), 40)});
    }
  }
  if (!table.rows.empty()) session.out << "\n" << Format(table);
}

int Report(int code, const Json& run, const RunOptions& options, const State& state,
           const Session& session) {
  if (run.is_null()) return code;
  const OutputFormat format = *ParseOutputFormat(options.output);
  if (format == OutputFormat::kJson) {
    session.out << ToJsonText({run}, true);
  } else if (format == OutputFormat::kYaml) {
    session.out << ToYamlText({run}, true);
  } else if (format == OutputFormat::kName) {
    session.out << ToNames(kube::kPipelineRuns, {run});
  } else {
    const auto width = static_cast<std::size_t>(session.width);
    session.out << "\n"
                << Format(StepTable(run, format == OutputFormat::kWide, width, session.clock.Now()),
                          width);
    ShowResults(run, session);
    const Json table_run = run;
    session.out << "\n"
                << Format(TableOf(kube::kPipelineRuns, {table_run}, {}, session.clock.Now()),
                          width);
  }
  if (RunWord(run) == "Invalid") {
    session.err << "error: " << ConditionMessage(run, "Stalled") << "\n";
  }
  ShowFailures(run, state, session);
  return code;
}

int RunOnce(const RunOptions& options, Session& session, const State& state,
            std::vector<fs::path>& sources) {
  const Manifests manifests = LoadManifests(options.files, session.directory, session.in);
  sources = SourcesOf(manifests, session.directory);
  const bool table = options.output.empty() || options.output == "wide";
  Progress progress(table ? session.out : session.err, table && session.terminal,
                    static_cast<std::size_t>(session.width));
  for (const auto& model : manifests.models) {
    progress.Note("note: ModelDeployment " + model.value.meta.name + " is left to a cluster; `" +
                  session.name + " serve` serves its model here");
  }
  Json run;
  LocalRun local_run(options, session, state, progress);
  const int code = local_run.Go(manifests, run);
  return Report(code, run, options, state, session);
}

}  // namespace

int RunPipeline(const RunOptions& options, Session& session) {
  if (const auto format = ParseOutputFormat(options.output); !format) {
    return session.Fail(kUsage, format.error().message);
  }
  if (options.watch && std::count(options.files.begin(), options.files.end(), "-") > 0) {
    return session.Fail(kUsage, "--watch needs files, not stdin");
  }
  const State state = State::Of(session);
  if (Result<void> created = state.Create(); !created) return session.Fail(created.error());
  const Result<StateLock> lock = StateLock::Take(state);
  if (!lock) return session.Fail(kFailed, lock.error().message);
  if (Result<void> closed = CloseInterruptedRuns(state, session.clock.Now()); !closed) {
    return session.Fail(kFailed, closed.error().message);
  }
  std::vector<fs::path> sources;
  int code = RunOnce(options, session, state, sources);
  while (options.watch && !session.interrupted.stop_requested()) {
    session.out << "\nwatching " << sources.size() << " files and folders; Ctrl-C ends\n"
                << std::flush;
    if (!AwaitChange(sources, session.interrupted)) break;
    code = RunOnce(options, session, state, sources);
  }
  const Result<void> pruned = PruneRuns(state, kKeepRuns);
  if (!pruned) session.err << "warning: " << pruned.error().message << "\n";
  return code;
}

}  // namespace penstock::cli
