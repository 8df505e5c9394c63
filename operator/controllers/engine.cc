#include "operator/controllers/engine.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/controllers/model_deployment_controller.h"
#include "operator/controllers/model_target.h"
#include "operator/controllers/pipeline_controller.h"
#include "operator/controllers/receipts.h"
#include "operator/controllers/router_controller.h"
#include "operator/controllers/run_controller.h"
#include "operator/controllers/run_family.h"
#include "operator/controllers/run_record.h"
#include "operator/controllers/watches.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/pipeline/world.h"
#include "operator/plan/step/child_fact.h"
#include "operator/runtime/fair_pool.h"
#include "operator/runtime/thread_pool.h"

namespace penstock::controllers {
namespace {

bool NamesPipeline(const std::vector<api::StepSpec>& steps, const std::string& name) {
  return std::any_of(steps.begin(), steps.end(), [&](const api::StepSpec& step) {
    return step.pipeline &&
           (step.pipeline->name == name || NamesPipeline(step.pipeline->steps, name));
  });
}

}  // namespace

struct Engine::Impl {
  Impl(kube::Client& client, const artifacts::Store& store, metadata::Recorder& recorder,
       const Clock& clock, EngineOptions o);

  void Start();
  void Stop();
  void RecordAll();

  // --- what the informers tell
  void Watch(const kube::ResourceType& type, const std::string& selector,
             void (Impl::*handle)(const kube::Change&), const std::string& also = "",
             const std::string& name = "");
  void OnRun(const kube::Change& change);
  void OnPipeline(const kube::Change& change);
  void OnComponent(const kube::Change& change);
  void OnModelDeployment(const kube::Change& change);
  void OnRegistered(const kube::Change& change);
  void OnPod(const kube::Change& change);
  void OnServing(const kube::Change& change);
  void OnLockSizes(const kube::Change& change);
  void OnApproval(const kube::Change& change);
  // False of the library's namespace where only others are this operator's.
  [[nodiscard]] bool IsWatched(const std::string& ns) const {
    return options.namespaces.empty() ||
           std::find(options.namespaces.begin(), options.namespaces.end(), ns) !=
               options.namespaces.end();
  }
  void WakePipelineOf(const api::PipelineRun& run);
  void WakeParentOf(const api::PipelineRun& run);
  void WakePipelinesAround(const std::string& ns, const std::string& pipeline);
  void WakeUnresolved(const std::string& ns);
  void WakeLocked(const std::string& ns);
  void DropReceipts(const std::string& ns, const std::string& run_uid);
  void Resync();
  void SweepRevisions();

  const EngineOptions options;
  const Clock& clock;
  std::stop_source stopping;
  Snapshots snapshots;
  runtime::RateLimit pod_rate;
  sources::Fingerprints fingerprints;
  Revisions revisions;
  Context context;
  runtime::Workers run_workers, pipeline_workers, model_workers, router_workers;
  RunController runs;
  PipelineController pipelines;
  RouterController routers;
  ModelDeploymentController models;
  Watches watches;
  std::atomic<bool> ready = false;
  // Last, so that their threads end before what they work on.
  runtime::ThreadPool api_pool;
  runtime::FairPool io_pool, source_pool;
  std::jthread starter;
};

Engine::Impl::Impl(kube::Client& client, const artifacts::Store& store,
                   metadata::Recorder& recorder, const Clock& c, EngineOptions o)
    : options(std::move(o)),
      clock(c),
      pod_rate(options.pods_per_second),
      fingerprints({options.settings.local_files, options.settings.may_ask, stopping.get_token()},
                   c),
      revisions(client, c, stopping.get_token()),
      context{client,
              store,
              recorder,
              clock,
              options.settings,
              snapshots,
              [this](std::function<void()> work) { api_pool.Submit(std::move(work)); },
              [this](const std::string& ns, std::function<void()> work) {
                io_pool.Submit(ns, std::move(work));
              },
              [this](const std::string& ns, std::function<void()> work) {
                source_pool.Submit(ns, std::move(work));
              },
              fingerprints,
              revisions,
              options.hooks.event,
              std::bind_front(options.hooks.log, "warn"),
              options.hooks.handoff,
              stopping.get_token(),
              pod_rate},
      run_workers("pipelinerun", clock, options.hooks,
                  [this](const std::string& key) { return runs.Reconcile(key); }),
      pipeline_workers("pipeline", clock, options.hooks,
                       [this](const std::string& key) { return pipelines.Reconcile(key); }),
      model_workers("modeldeployment", clock, options.hooks,
                    [this](const std::string& key) { return models.Reconcile(key); }),
      router_workers("router", clock, options.hooks,
                     [this](const std::string& ns) { return routers.Reconcile(ns); }),
      runs(context,
           [this](const std::string& key, Milliseconds after) { run_workers.Wake(key, after); }),
      pipelines(
          context, [this](const std::string& key) { run_workers.Wake(key); },
          [this](const std::string& key) { pipeline_workers.Wake(key); }),
      routers(
          context, options.ask_router,
          [this](const std::string& ns, Milliseconds after) { router_workers.Wake(ns, after); },
          [this](const std::string& key) { model_workers.Wake(key); }),
      models(
          context, routers,
          [this](const std::string& key, Milliseconds after) { model_workers.Wake(key, after); },
          options.ask_server),
      watches(client, clock, options.namespaces, options.hooks.log),
      api_pool(options.api_threads, std::bind_front(options.hooks.log, "error")),
      io_pool(options.io_threads, options.io_threads_a_namespace,
              std::bind_front(options.hooks.log, "error")),
      source_pool(options.source_threads, options.source_threads_a_namespace,
                  std::bind_front(options.hooks.log, "error")) {
  Watch(kube::kPipelines, "", &Impl::OnPipeline, options.settings.library_namespace);
  Watch(kube::kPipelineRuns, "", &Impl::OnRun);
  Watch(kube::kComponents, "", &Impl::OnComponent, options.settings.library_namespace);
  Watch(kube::kModelDeployments, "", &Impl::OnModelDeployment);
  for (const auto& type : {kube::kModels, kube::kModelVersions})
    Watch(type, "", &Impl::OnRegistered);
  Watch(kube::kPods, std::string(plan::kLabelManaged) + "=true", &Impl::OnPod);
  Watch(kube::kConfigMaps, "", &Impl::OnLockSizes, "", api::kLockSizes);
  Watch(kube::kApprovals, "", &Impl::OnApproval);
  // What somebody deletes is back at once. Service and slices carry the label, too.
  for (const auto& type : {kube::kDeployments, kube::kServices, kube::kEndpointSlices})
    Watch(type, plan::kLabelModelDeployment, &Impl::OnServing);
  routers.AddTo(watches);
}

void Engine::Impl::Watch(const kube::ResourceType& type, const std::string& selector,
                         void (Impl::*handle)(const kube::Change&), const std::string& also,
                         const std::string& name) {
  watches.Add(
      type, selector, [this, handle](const kube::Change& change) { (this->*handle)(change); }, also,
      name);
}

void Engine::Impl::Start() {
  watches.Start();
  starter = std::jthread([this](const std::stop_token& stop) {
    if (!watches.AwaitFirstLists(stop)) return;
    // Before any run is looked at: none says that its decisions do not count, only to take that
    // back.
    if (!options.settings.approvals_by_hand) snapshots.approval_policy.AskNow(AskerOf(context));
    run_workers.Start(options.workers);
    pipeline_workers.Start(2);
    model_workers.Start(2);
    router_workers.Start(2);
    ready = true;
    if (!options.settings.keep_receipts)
      io_pool.Submit("", [this] {
        for (const auto& [ns, uid] : StaleReceipts(context, options.namespaces))
          DropReceipts(ns, uid);
      });
    RecordAll();
    while (Pause(options.resync, stop)) {
      Resync();
      SweepRevisions();
    }
  });
}

// Whatever no watch told is seen within two intervals. Each object has a moment of its own, so that
// the API server is not asked for all of them at once. A run that has finished asks for itself.
void Engine::Impl::Resync() {
  const auto wake = [this](runtime::Workers& workers, const api::ObjectMeta& meta) {
    const std::string key = ObjectKey{meta.namespace_, meta.name}.Text();
    const auto moment =
        std::hash<std::string>{}(meta.uid) %
        static_cast<std::size_t>(std::max<Milliseconds::rep>(1, options.resync.count()));
    workers.Wake(key, Milliseconds(moment));
  };
  for (const auto& run : snapshots.runs.List(""))
    if (!IsFinished(*run)) wake(run_workers, run->meta);
  for (const auto& pipeline : snapshots.pipelines.List(""))
    if (IsWatched(pipeline->meta.namespace_)) wake(pipeline_workers, pipeline->meta);
  for (const auto& md : snapshots.model_deployments.List("")) wake(model_workers, md->meta);
  routers.Resync();
}

// The pools are last: a reconcile that is under way waits for the calls that it gave them.
void Engine::Impl::Stop() {
  stopping.request_stop();
  if (starter.joinable()) {
    starter.request_stop();
    starter.join();
  }
  run_workers.Stop();
  pipeline_workers.Stop();
  model_workers.Stop();
  router_workers.Stop();
  routers.Stop();
  watches.Stop();
  api_pool.Stop();
  source_pool.Stop();
  io_pool.Stop();
}

void Engine::Impl::WakePipelineOf(const api::PipelineRun& run) {
  if (run.spec.pipeline_ref.empty() || plan::ParentOf(run.meta) != nullptr) return;
  pipeline_workers.Wake(ObjectKey{run.meta.namespace_, run.spec.pipeline_ref}.Text());
}

void Engine::Impl::WakeParentOf(const api::PipelineRun& run) {
  if (const auto* parent = plan::ParentOf(run.meta))
    run_workers.Wake(ObjectKey{run.meta.namespace_, parent->name}.Text());
}

// A lock has come free, or there are more of it, or who holds it is another now.
void Engine::Impl::WakeLocked(const std::string& ns) {
  for (const std::string& key : RunsToWake(snapshots, ns)) run_workers.Wake(key);
}

void Engine::Impl::OnLockSizes(const kube::Change& change) {
  std::map<std::string, std::string> sizes;
  const Json data = change.type == kube::ChangeType::kDeleted
                        ? Json::object()
                        : change.after->value("data", Json::object());
  for (const auto& [name, size] : data.items())
    if (size.is_string()) sizes[name] = size;
  snapshots.locks.PutSizes(change.key.ns, std::move(sizes));
  WakeLocked(change.key.ns);
}

void Engine::Impl::OnApproval(const kube::Change& change) {
  const auto wake = [&](const api::ApprovalSpec& of) {
    if (of.run.empty())
      model_workers.Wake(ObjectKey{change.key.ns, of.model_deployment}.Text());
    else
      run_workers.Wake(ObjectKey{change.key.ns, of.run}.Text());
  };
  const auto before = snapshots.approvals.Get(change.key);
  if (before != nullptr) wake(before->spec);
  if (change.type == kube::ChangeType::kDeleted)
    return snapshots.approvals.Drop(change.key, api::DecodeMeta(*change.after).uid);
  const auto newest =
      snapshots.approvals.Put(Known<api::Approval>(api::DecodeApproval(*change.after)));
  wake(newest->spec);
}

void Engine::Impl::WakeUnresolved(const std::string& ns) {
  for (const std::string& key : runs.Unresolved(ns)) run_workers.Wake(key);
}

void Engine::Impl::OnRun(const kube::Change& change) {
  Known<api::PipelineRun> run(api::DecodePipelineRun(*change.after));
  const std::string uid = run.meta.uid;
  if (change.type == kube::ChangeType::kDeleted) {
    const auto gone = snapshots.runs.Get(change.key);
    snapshots.runs.Drop(change.key, uid);
    runs.Forget(uid);
    const bool wrote = snapshots.locks.EndWrite(uid);
    DropReceipts(change.key.ns, uid);
    if (wrote || (gone != nullptr && !gone->status.locks.empty())) WakeLocked(change.key.ns);
    WakePipelineOf(run);
    WakeParentOf(run);
    return;
  }
  const auto before = snapshots.runs.Get(change.key);
  const auto newest = snapshots.runs.Put(std::move(run));
  run_workers.Wake(change.key.Text());
  if (plan::ShowsParentMore(before.get(), *newest)) WakeParentOf(*newest);
  if (before != nullptr && before->status.locks != newest->status.locks) WakeLocked(change.key.ns);
  if (before != nullptr && before->spec.suspend != newest->spec.suspend)
    for (const std::string& within : RunsWithin(context, uid)) run_workers.Wake(within);
  // What a Pipeline looks at: that a run exists, and that it has ended.
  if (change.type == kube::ChangeType::kAdded || IsFinished(*newest)) WakePipelineOf(*newest);
}

void Engine::Impl::OnPipeline(const kube::Change& change) {
  // The library's are for all namespaces.
  const bool library = change.key.ns == options.settings.library_namespace;
  const std::string ns = library ? "" : change.key.ns;
  Known<api::Pipeline> pipeline(api::DecodePipeline(*change.after));
  const auto before = snapshots.pipelines.Get(change.key);
  const bool other_spec = before == nullptr || before->meta.generation != pipeline.meta.generation;
  if (change.type == kube::ChangeType::kDeleted) {
    snapshots.pipelines.Drop(change.key, pipeline.meta.uid);
    pipelines.Forget(change.key.Text());
  } else {
    snapshots.pipelines.Put(std::move(pipeline));
    if (IsWatched(change.key.ns)) pipeline_workers.Wake(change.key.Text());
  }
  if (other_spec || change.type == kube::ChangeType::kDeleted)
    WakePipelinesAround(ns, change.key.name);
  WakeUnresolved(ns);
  // Triggers and ModelDeployments name a Pipeline of their own namespace, the library's too.
  for (const auto& other : snapshots.pipelines.List(change.key.ns)) {
    for (const api::TriggerSpec& trigger : other->spec.triggers)
      if (trigger.pipeline == change.key.name)
        pipeline_workers.Wake(ObjectKey{change.key.ns, other->meta.name}.Text());
  }
  for (const auto& md : snapshots.model_deployments.List(change.key.ns)) {
    if (FollowedPipeline(md->spec.model) == change.key.name) {
      model_workers.Wake(ObjectKey{change.key.ns, md->meta.name}.Text());
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
    models.Forget(change.key.Text());
    return routers.OnModelDeployment(change.key.ns);
  }
  snapshots.model_deployments.Put(std::move(md));
  routers.OnModelDeployment(change.key.ns);
  model_workers.Wake(change.key.Text());
}

// A Model, or a version of it: whoever follows it looks again.
void Engine::Impl::OnRegistered(const kube::Change& change) {
  const Json spec = change.after->value("spec", Json::object());
  const std::string model = spec.value("model", change.key.name);
  for (const auto& md : snapshots.model_deployments.List(change.key.ns))
    if (FollowsRegistered(md->spec.model, model))
      model_workers.Wake(ObjectKey{change.key.ns, md->meta.name}.Text());
}

void Engine::Impl::OnPod(const kube::Change& change) {
  auto entry = snapshots.pods.Read(*change.after);
  if (!entry) return OnServing(change);
  const ObjectKey run = entry->run;
  const std::string run_uid = entry->run_uid;
  const bool frees = change.type == kube::ChangeType::kDeleted
                         ? snapshots.locks.DropPod(change.key.ns, entry->fact.uid)
                         : snapshots.locks.NotePod(change.key.ns, entry->fact);
  if (frees) WakeLocked(change.key.ns);
  bool makes_room = change.type == kube::ChangeType::kDeleted;
  if (makes_room) {
    snapshots.pods.Drop(run_uid, change.key.name, entry->fact.uid, entry->resource_version);
  } else if (snapshots.pods.Put(std::move(*entry), PodTable::Source::kInformer, clock)) {
    runs.NoteEndedPod(run_uid, clock.Steady());
    makes_room = true;
  }
  if (makes_room && options.settings.max_pods > 0)
    if (const auto next = snapshots.pod_room.Next(change.key.ns)) run_workers.Wake(*next);
  run_workers.Wake(run.Text());
}

// Those of which a step is the Pipeline: whether they are valid may be another question now.
void Engine::Impl::WakePipelinesAround(const std::string& ns, const std::string& pipeline) {
  for (const auto& other : snapshots.pipelines.List(ns))
    if (NamesPipeline(other->spec.steps, pipeline) && IsWatched(other->meta.namespace_))
      pipeline_workers.Wake(ObjectKey{other->meta.namespace_, other->meta.name}.Text());
}

// What a Deployment, its pods, the Service or its endpoints tell: a reason to look.
void Engine::Impl::OnServing(const kube::Change& change) {
  const auto labels = api::DecodeMeta(*change.after).labels;
  const auto md = labels.find(plan::kLabelModelDeployment);
  // A rollout of many pods tells much at once: one visit is for all of it.
  if (md != labels.end())
    model_workers.Wake(ObjectKey{change.key.ns, md->second}.Text(), Milliseconds{200});
}

void Engine::Impl::DropReceipts(const std::string& ns, const std::string& run_uid) {
  io_pool.Submit(ns, [this, ns, run_uid] {
    if (auto gone = RemoveReceipts(context.store, ns, run_uid); !gone) {
      options.hooks.log("warn", "removing receipts of a deleted run: " + gone.error().message);
    }
  });
}

void Engine::Impl::SweepRevisions() {
  io_pool.Submit("", [this] {
    const auto removed = revisions.Sweep(options.namespaces);
    if (!removed && removed.error().kind != ErrorKind::kCancelled)
      options.hooks.log("warn", "removing ControllerRevisions that no run names: " +
                                    removed.error().message + "; tried again");
  });
}

void Engine::Impl::RecordAll() {
  io_pool.Submit("", [this] { RecordRuns(context, options.namespaces); });
}

Engine::Engine(kube::Client& client, const artifacts::Store& store, metadata::Recorder& recorder,
               const Clock& clock, EngineOptions options)
    : impl_(std::make_unique<Impl>(client, store, recorder, clock, std::move(options))) {}

Engine::~Engine() { Stop(); }
void Engine::Start() { impl_->Start(); }
void Engine::Stop() { impl_->Stop(); }
bool Engine::IsReady() const { return impl_->ready; }

std::vector<const kube::Informer*> Engine::informers() const { return impl_->watches.informers(); }

std::map<std::string, std::size_t> Engine::queued() const {
  return {{"pipelinerun", impl_->run_workers.waiting()},
          {"pipeline", impl_->pipeline_workers.waiting()},
          {"modeldeployment", impl_->model_workers.waiting()},
          {"router", impl_->router_workers.waiting()}};
}

std::vector<gates::LockCount> Engine::locks() const { return CountLocks(impl_->snapshots); }

std::vector<Engine::FreshnessOf> Engine::freshness() const {
  std::vector<FreshnessOf> all;
  for (const auto& p : impl_->snapshots.pipelines.List(""))
    if (const auto* fresh = api::FindCondition(p->status.conditions, plan::kFresh))
      all.push_back(
          {{p->meta.namespace_, p->meta.name}, fresh->status == api::ConditionStatus::kFalse});
  return all;
}

std::optional<bool> Engine::Stands(const std::string& ns, const std::string& name,
                                   const std::string& uid) const {
  if (!impl_->ready) return std::nullopt;
  const auto run = impl_->snapshots.runs.Get({ns, name});
  return run != nullptr && run->meta.uid == uid;
}

void Engine::RecordAll() { impl_->RecordAll(); }

}  // namespace penstock::controllers
