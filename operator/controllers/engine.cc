#include "operator/controllers/engine.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "operator/artifacts/tree.h"
#include "operator/base/json.h"
#include "operator/controllers/model_deployment_controller.h"
#include "operator/controllers/pipeline_controller.h"
#include "operator/controllers/pod_trim.h"
#include "operator/controllers/revision.h"
#include "operator/controllers/run_controller.h"
#include "operator/controllers/run_record.h"
#include "operator/kube/informer.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/runtime/thread_pool.h"

namespace penstock::controllers {

struct Engine::Impl {
  Impl(kube::Client& below, const artifacts::Store& store, metadata::Recorder& recorder,
       const Clock& clock, EngineOptions o);

  void Start();
  void Stop();
  void RecordAll();

  // --- informers
  void Watch(const kube::ResourceType& type, const std::string& selector,
             void (Impl::*handle)(const kube::Change&));
  void OnRun(const kube::Change& change);
  void OnPipeline(const kube::Change& change);
  void OnComponent(const kube::Change& change);
  void OnModelDeployment(const kube::Change& change);
  void OnPod(const kube::Change& change);
  void OnServing(const kube::Change& change);
  void WakePipelineOf(const api::PipelineRun& run);
  void WakeUnresolved(const std::string& ns);
  void DropReceipts(const std::string& ns, const std::string& run_uid);
  void DropStaleReceipts();
  [[nodiscard]] bool AllSynced(const std::stop_token& stop);

  const EngineOptions options;
  const Clock& clock;
  std::stop_source stopping;
  kube::Client& client;
  Snapshots snapshots;
  Context context;
  Workers run_workers, pipeline_workers, model_workers;
  RunController runs;
  PipelineController pipelines;
  ModelDeploymentController models;
  std::vector<std::unique_ptr<kube::Informer>> informers;
  std::atomic<bool> ready = false;
  // Last, so that their threads end before what they work on.
  ThreadPool api_pool, io_pool;
  std::jthread starter;
};

Engine::Impl::Impl(kube::Client& below, const artifacts::Store& store, metadata::Recorder& recorder,
                   const Clock& c, EngineOptions o)
    : options(std::move(o)),
      clock(c),
      client(below),
      context{client,
              store,
              recorder,
              clock,
              options.settings,
              snapshots,
              [this](std::function<void()> work) { api_pool.Submit(std::move(work)); },
              [this](std::function<void()> work) { io_pool.Submit(std::move(work)); },
              options.hooks.event,
              options.hooks.handoff,
              stopping.get_token()},
      run_workers("pipelinerun", clock, options.hooks,
                  [this](const std::string& key) { return runs.Reconcile(key); }),
      pipeline_workers("pipeline", clock, options.hooks,
                       [this](const std::string& key) { return pipelines.Reconcile(key); }),
      model_workers("modeldeployment", clock, options.hooks,
                    [this](const std::string& key) { return models.Reconcile(key); }),
      runs(context,
           [this](const std::string& key, Milliseconds after) { run_workers.Wake(key, after); }),
      pipelines(context, [this](const std::string& key) { run_workers.Wake(key); }),
      models(context, [this](const std::string& key) { model_workers.Wake(key); }),
      api_pool(options.api_threads,
               [this](const std::string& what) { options.hooks.log("error", what); }),
      io_pool(options.io_threads,
              [this](const std::string& what) { options.hooks.log("error", what); }) {
  Watch(kube::kPipelines, "", &Impl::OnPipeline);
  Watch(kube::kPipelineRuns, "", &Impl::OnRun);
  Watch(kube::kComponents, "", &Impl::OnComponent);
  Watch(kube::kModelDeployments, "", &Impl::OnModelDeployment);
  Watch(kube::kPods, std::string(plan::kLabelManaged) + "=true", &Impl::OnPod);
  Watch(kube::kDeployments, plan::kLabelModelDeployment, &Impl::OnServing);
}

void Engine::Impl::Watch(const kube::ResourceType& type, const std::string& selector,
                         void (Impl::*handle)(const kube::Change&)) {
  auto namespaces = options.namespaces;
  if (namespaces.empty()) namespaces.emplace_back();
  const std::string& library = options.settings.library_namespace;
  if (type == kube::kComponents && !options.namespaces.empty() && !library.empty() &&
      std::find(namespaces.begin(), namespaces.end(), library) == namespaces.end()) {
    namespaces.push_back(library);
  }
  for (const std::string& ns : namespaces) {
    kube::InformerOptions informer;
    informer.ns = ns;
    informer.label_selector = selector;
    if (type == kube::kPods) informer.transform = TrimPod;
    if (type == kube::kDeployments) {
      informer.transform = TrimToMetadata;
    } else {
      informer.keep = type == kube::kPipelineRuns ? KeepRunIdentity : KeepIdentity;
    }
    informers.push_back(std::make_unique<kube::Informer>(client, type, informer, clock));
    informers.back()->AddHandler([this, handle](const kube::Change& c) { (this->*handle)(c); });
    informers.back()->OnFailure([this, plural = std::string(type.plural)](const Error& error) {
      options.hooks.log("warn", "watching " + plural + ": " + error.message + "; tried again");
    });
  }
}

void Engine::Impl::Start() {
  for (auto& informer : informers) informer->Start();
  starter = std::jthread([this](const std::stop_token& stop) {
    if (!AllSynced(stop)) return;
    run_workers.Start(options.workers);
    pipeline_workers.Start(2);
    model_workers.Start(2);
    ready = true;
    io_pool.Submit([this] { DropStaleReceipts(); });
    RecordAll();
  });
}

bool Engine::Impl::AllSynced(const std::stop_token& stop) {
  for (auto& informer : informers) {
    while (!informer->WaitForSync(std::chrono::seconds(10), stop)) {
      if (stop.stop_requested()) return false;
      options.hooks.log("info",
                        "waiting for the first list of " + std::string(informer->type().plural));
    }
  }
  return true;
}

void Engine::Impl::Stop() {
  stopping.request_stop();
  if (starter.joinable()) {
    starter.request_stop();
    starter.join();
  }
  run_workers.Stop();
  pipeline_workers.Stop();
  model_workers.Stop();
  for (auto& informer : informers) informer->Stop();
  api_pool.Stop();
  io_pool.Stop();
}

void Engine::Impl::WakePipelineOf(const api::PipelineRun& run) {
  if (run.spec.pipeline_ref.empty()) return;
  pipeline_workers.Wake(ObjectKey{run.meta.namespace_, run.spec.pipeline_ref}.Text());
}

void Engine::Impl::WakeUnresolved(const std::string& ns) {
  for (const std::string& key : runs.Unresolved(ns)) run_workers.Wake(key);
}

void Engine::Impl::OnRun(const kube::Change& change) {
  Known<api::PipelineRun> run(api::DecodePipelineRun(*change.after));
  const std::string uid = run.meta.uid;
  if (change.type == kube::ChangeType::kDeleted) {
    snapshots.runs.Drop(change.key, uid);
    runs.Forget(uid);
    DropReceipts(change.key.ns, uid);
    WakePipelineOf(run);
    return;
  }
  const auto newest = snapshots.runs.Put(std::move(run));
  run_workers.Wake(change.key.Text());
  // What a Pipeline looks at: that a run exists, and that it has ended.
  if (change.type == kube::ChangeType::kAdded || IsFinished(*newest)) WakePipelineOf(*newest);
}

void Engine::Impl::OnPipeline(const kube::Change& change) {
  const std::string& ns = change.key.ns;
  Known<api::Pipeline> pipeline(api::DecodePipeline(*change.after));
  if (change.type == kube::ChangeType::kDeleted) {
    snapshots.pipelines.Drop(change.key, pipeline.meta.uid);
  } else {
    snapshots.pipelines.Put(std::move(pipeline));
    pipeline_workers.Wake(change.key.Text());
  }
  WakeUnresolved(ns);
  for (const auto& md : snapshots.model_deployments.List(ns)) {
    if (FollowedPipeline(md->spec.model) == change.key.name) {
      model_workers.Wake(ObjectKey{ns, md->meta.name}.Text());
    }
  }
}

void Engine::Impl::OnComponent(const kube::Change& change) {
  Known<api::Component> component(api::DecodeComponent(*change.after));
  if (change.type == kube::ChangeType::kDeleted) {
    snapshots.components.Drop(change.key, component.meta.uid);
  } else {
    snapshots.components.Put(std::move(component));
  }
  // The library's are for all namespaces.
  const bool library = change.key.ns == options.settings.library_namespace;
  const std::string ns = library ? "" : change.key.ns;
  WakeUnresolved(ns);
  for (const auto& pipeline : snapshots.pipelines.List(ns)) {
    pipeline_workers.Wake(ObjectKey{pipeline->meta.namespace_, pipeline->meta.name}.Text());
  }
}

void Engine::Impl::OnModelDeployment(const kube::Change& change) {
  Known<api::ModelDeployment> md(api::DecodeModelDeployment(*change.after));
  if (change.type == kube::ChangeType::kDeleted) {
    snapshots.model_deployments.Drop(change.key, md.meta.uid);
    return;
  }
  snapshots.model_deployments.Put(std::move(md));
  model_workers.Wake(change.key.Text());
}

void Engine::Impl::OnPod(const kube::Change& change) {
  auto entry = ReadPod(*change.after);
  if (!entry) return;
  const ObjectKey run = entry->run;
  const std::string run_uid = entry->run_uid;
  if (change.type == kube::ChangeType::kDeleted) {
    snapshots.pods.Drop(run_uid, change.key.name, entry->fact.uid);
  } else if (snapshots.pods.Put(std::move(*entry), PodTable::Source::kInformer, clock)) {
    runs.NoteEndedPod(run_uid, clock.Steady());
  }
  run_workers.Wake(run.Text());
}

void Engine::Impl::OnServing(const kube::Change& change) {
  const auto labels = change.after->at("metadata").find("labels");
  if (labels == change.after->at("metadata").end()) return;
  const auto md = labels->find(plan::kLabelModelDeployment);
  if (md == labels->end() || !md->is_string()) return;
  model_workers.Wake(ObjectKey{change.key.ns, md->get<std::string>()}.Text());
}

void Engine::Impl::DropReceipts(const std::string& ns, const std::string& run_uid) {
  // A UID is a path part here: one that could climb is no UID of an API server.
  if (run_uid.empty() || run_uid.find_first_of("/.") != std::string::npos) return;
  io_pool.Submit([this, ns, run_uid] {
    const auto folder = context.store.root() / ns / "receipts" / run_uid;
    if (auto gone = artifacts::RemoveTree(folder); !gone) {
      options.hooks.log("warn", "removing receipts of a deleted run: " + gone.error().message);
    }
  });
}

// Of runs that were deleted while no operator ran.
void Engine::Impl::DropStaleReceipts() {
  namespace fs = std::filesystem;
  std::map<std::string, std::vector<std::string>> folders;  // namespace -> run UIDs
  std::error_code error;
  for (fs::directory_iterator ns(context.store.root(), error), end; !error && ns != end;
       ns.increment(error)) {
    std::error_code inner;
    for (fs::directory_iterator run(ns->path() / "receipts", inner), stop; !inner && run != stop;
         run.increment(inner)) {
      folders[ns->path().filename()].push_back(run->path().filename());
    }
  }
  for (const auto& [ns, uids] : folders) {
    const auto& watched = options.namespaces;
    if (!watched.empty() && std::find(watched.begin(), watched.end(), ns) == watched.end()) {
      continue;
    }
    std::map<std::string, bool> live;
    for (const auto& run : snapshots.runs.List(ns)) live[run->meta.uid] = true;
    for (const auto& uid : uids) {
      if (!live.contains(uid)) DropReceipts(ns, uid);
    }
  }
}

void Engine::Impl::RecordAll() {
  io_pool.Submit([this] {
    std::map<std::string, plan::ResolvedRun> pinned;  // by run UID
    auto namespaces = options.namespaces;
    if (namespaces.empty()) namespaces.emplace_back();
    for (const std::string& ns : namespaces) {
      kube::ListOptions page;
      page.label_selector = std::string(plan::kLabelManaged) + "=true";
      page.limit = 200;
      do {
        auto list = client.List(kube::kControllerRevisions, ns, page, {.stop = context.stop});
        if (!list) break;  // the records then lack what the steps read, and nothing else
        for (const Json& revision : list->items) {
          const auto meta = api::DecodeMeta(revision);
          const auto uid = meta.labels.find(plan::kLabelRunUid);
          auto resolved = ReadRevision(revision);
          if (resolved && uid != meta.labels.end()) pinned[uid->second] = std::move(*resolved);
        }
        page.continue_token = list->continue_token;
      } while (!page.continue_token.empty());
    }
    for (const auto& run : snapshots.runs.List("")) {
      const auto resolved = pinned.find(run->meta.uid);
      context.recorder.RecordRun(
          MakeRecord(*run, resolved == pinned.end() ? nullptr : &resolved->second));
    }
  });
}

Engine::Engine(kube::Client& client, const artifacts::Store& store, metadata::Recorder& recorder,
               const Clock& clock, EngineOptions options)
    : impl_(std::make_unique<Impl>(client, store, recorder, clock, std::move(options))) {}

Engine::~Engine() { Stop(); }

void Engine::Start() { impl_->Start(); }

void Engine::Stop() { impl_->Stop(); }

bool Engine::IsReady() const { return impl_->ready; }

std::vector<const kube::Informer*> Engine::informers() const {
  std::vector<const kube::Informer*> all;
  for (const auto& informer : impl_->informers) all.push_back(informer.get());
  return all;
}

std::map<std::string, std::size_t> Engine::queued() const {
  return {{"pipelinerun", impl_->run_workers.waiting()},
          {"pipeline", impl_->pipeline_workers.waiting()},
          {"modeldeployment", impl_->model_workers.waiting()}};
}

void Engine::RecordAll() { impl_->RecordAll(); }

}  // namespace penstock::controllers
