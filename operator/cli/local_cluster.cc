#include "operator/cli/local_cluster.h"

#include "operator/api/codec.h"
#include "operator/artifacts/store.h"
#include "operator/controllers/engine.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/os/child_process.h"

namespace penstock::cli {
namespace {

// Runs before this one: the API in memory has this one's objects alone.
Result<metadata::Story> StoryOf(const State& state, const std::string& ns, const std::string& run) {
  if (ns != kLocalNamespace) return NotFound("no runs are kept of namespace " + ns);
  Result<Json> object = state.Get(kube::kPipelineRuns, run);
  if (!object) return object.error();
  metadata::Story story{*std::move(object), std::nullopt};
  const std::string revision = story.object.value("status", Json::object()).value("revision", "");
  if (revision.empty()) return story;
  Result<Json> spec = state.Get(kube::kControllerRevisions, revision);
  if (!spec && spec.error().kind != ErrorKind::kNotFound) return spec.error();
  if (spec) story.spec = *std::move(spec);
  return story;
}

// The same for what they gave.
Result<std::vector<api::PipelineRun>> EarlierRuns(const State& state, const std::string& ns,
                                                  const std::string& pipeline) {
  std::vector<api::PipelineRun> runs;
  if (ns != kLocalNamespace) return runs;
  Result<std::vector<Json>> objects = state.Load(kube::kPipelineRuns);
  if (!objects) return objects.error();
  for (const Json& object : *objects) {
    auto run = api::DecodePipelineRun(object);
    if (run.errors.empty() && run.value.spec.pipeline_ref == pipeline)
      runs.push_back(std::move(run.value));
  }
  return runs;
}

controllers::EngineOptions EngineFor(const State& state) {
  controllers::EngineOptions options;
  options.settings.pods.store.folder = (state.root() / "artifacts").string();
  options.settings.pods.launcher_image = "penstock/launcher";
  options.settings.library_namespace = kLibraryNamespace;
  options.settings.local_files = true;
  options.settings.approvals_by_hand = true;
  options.settings.keep_receipts = true;  // PruneRuns removes them
  options.settings.story_of = [state](const std::string& ns, const std::string& run) {
    return StoryOf(state, ns, run);
  };
  options.settings.earlier_runs = [state](const std::string& ns, const std::string& pipeline) {
    return EarlierRuns(state, ns, pipeline);
  };
  options.settings.status_interval = Milliseconds(100);
  options.workers = 2;
  options.api_threads = 4;
  options.io_threads = options.io_threads_a_namespace = 4;
  options.source_threads = options.source_threads_a_namespace = 4;
  return options;
}

local::RunnerOptions RunnerFor(const Session& session, const State& state,
                               const std::filesystem::path& launcher, LocalOptions options) {
  local::RunnerOptions runner;
  runner.launch.state = state.root();
  runner.launch.launcher = launcher;
  const std::filesystem::path bin = session.program.parent_path();
  if (const std::string libexec = session.Env("PENSTOCK_LIBEXEC"); !libexec.empty()) {
    runner.launch.program_folders.emplace_back(libexec);
  }
  runner.launch.program_folders.push_back(bin);
  runner.launch.program_folders.push_back(bin.parent_path() / "libexec" / "penstock");
  runner.launch.host_environment = session.env;
  runner.isolation = options.isolation;
  runner.capacity = local::MachineCapacity();
  runner.notice = std::move(options.notice);
  runner.never_fits = std::move(options.never_fits);
  if (const auto podman = FindProgram("podman", session.Env("PATH"))) {
    runner.podman = podman->string();
  }
  return runner;
}

}  // namespace

struct LocalCluster::Impl {
  explicit Impl(const Session& session, const State& state)
      : store(state.store()), cluster(session.clock) {}
  artifacts::Store store;
  local::MemoryCluster cluster;
  std::unique_ptr<metadata::BatchRecorder> recorder;
  std::unique_ptr<local::ProcessRunner> runner;
  std::unique_ptr<controllers::Engine> engine;
};

LocalCluster::LocalCluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LocalCluster::~LocalCluster() { Stop(); }

kube::Client& LocalCluster::client() { return impl_->cluster; }

void LocalCluster::Start() {
  impl_->runner->Start();
  impl_->engine->Start();
}

void LocalCluster::Stop(std::chrono::seconds grace) {
  // The engine first: what the runner ends from here on is no failure of the run.
  if (impl_->engine) impl_->engine->Stop();
  if (impl_->runner) impl_->runner->Stop(grace);
  if (impl_->recorder) impl_->recorder->Flush();
}

Result<std::unique_ptr<LocalCluster>> LocalCluster::Make(const Session& session, const State& state,
                                                         const std::vector<api::Component>& library,
                                                         LocalOptions options) {
  const Result<std::filesystem::path> launcher = FindOurProgram(session, "penstock-launcher");
  if (!launcher) return launcher.error();
  auto impl = std::make_unique<Impl>(session, state);
  metadata::BatchRecorderOptions recorder_options;
  recorder_options.database = metadata::SqliteFile(state.root() / "metadata.sqlite");
  // Here history is what later commands show, so that a run without it is refused. What went well
  // in the end is told: that a damaged file was set aside, and where it lies.
  struct Heard {
    std::string text;
    bool open = false;
  };
  const auto heard = std::make_shared<Heard>();
  const auto tell = options.notice ? options.notice : [](const std::string&) {};
  recorder_options.warn = [heard, tell](const std::string& text) {
    if (heard->open) return tell(text);
    heard->text = text;
  };
  impl->recorder = metadata::BatchRecorder::Open(recorder_options, session.clock);
  if (!impl->recorder->is_open()) return Transient("metadata: " + heard->text);
  heard->open = true;  // the recorder's thread says nothing before there is a run
  if (!heard->text.empty()) tell(heard->text);

  for (api::Component component : library) {
    component.meta.namespace_ = kLibraryNamespace;
    component.meta.labels["penstock.dev/library"] = "true";
    const Result<Json> created =
        impl->cluster.Create(kube::kComponents, kLibraryNamespace, api::Encode(component));
    if (!created) return Wrap("component " + component.meta.name, created.error());
  }
  impl->runner = std::make_unique<local::ProcessRunner>(
      impl->cluster, session.clock, RunnerFor(session, state, *launcher, std::move(options)));
  local::ProcessRunner* runner = impl->runner.get();
  impl->cluster.SetLogSource(
      [runner](const std::string& ns, const std::string& pod, const kube::LogOptions& log,
               const kube::LogSink& sink,
               std::stop_token stop) { return runner->Logs(ns, pod, log, sink, stop); });
  impl->engine = std::make_unique<controllers::Engine>(impl->cluster, impl->store, *impl->recorder,
                                                       session.clock, EngineFor(state));
  return std::unique_ptr<LocalCluster>(new LocalCluster(std::move(impl)));
}

}  // namespace penstock::cli
