#include "operator/controllers/run_actions.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/status_write.h"
#include "operator/controllers/tables/left_out.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/attempt/refusal_reason.h"

namespace penstock::controllers {
namespace {

constexpr Milliseconds kRoomGone{100};

bool IsDaemon(const Json& pod) {
  const Json& labels = pod.at("metadata").at("labels");
  return labels.contains(plan::kLabelDaemon);
}

class Acting {
 public:
  Acting(const Context& context, const api::PipelineRun& run, PodTries& tries)
      : context_(context), run_(run), tries_(tries) {}

  // Runs the calls and waits for all: one here, more on the pool of the API.
  void Each(std::vector<std::function<void()>> calls) {
    if (calls.empty()) return;
    struct Latch {
      std::mutex mutex;
      std::condition_variable done;
      std::size_t left;
    };
    auto latch = std::make_shared<Latch>();
    latch->left = calls.size() - 1;
    for (std::size_t i = 1; i < calls.size(); ++i) {
      context_.submit_api([this, latch, call = std::move(calls[i])] {
        Guarded(call);
        const std::lock_guard lock(latch->mutex);
        if (--latch->left == 0) latch->done.notify_all();
      });
    }
    Guarded(calls.front());
    std::unique_lock lock(latch->mutex);
    latch->done.wait(lock, [&] { return latch->left == 0; });
  }

  // The latch waits for every call, so that none may leave by an exception.
  void Guarded(const std::function<void()>& call) {
    try {
      call();
    } catch (const std::exception& e) {
      Fail(Internal(std::string("an action of the run's plan threw: ") + e.what()));
    }
  }

  // What a pod mounts, and is never made without.
  struct Mounted {
    const plan::CreateConfigMap* config_map = nullptr;  // null: none
    std::vector<const plan::CreateClaim*> claims;
  };

  void Create(const Mounted& mounted, const plan::CreatePod& action) {
    const std::string turn = run_.meta.namespace_ + "/" + action.name;
    if (MustWait(context_.pod_rate.WaitOf(turn, context_.clock.Steady()))) return;
    const bool counts = context_.settings.max_pods > 0 && !IsDaemon(action.pod);
    if (!counts) return Make(mounted, action);
    const std::string& ns = run_.meta.namespace_;
    const auto standing = [&] { return context_.snapshots.pods.Standing(ns); };
    if (!context_.snapshots.pod_room.Take(ns, action.name, standing, context_.settings.max_pods)) {
      // Another run has been quicker: the next plan sees that there is no room.
      static_cast<void>(MustWait(kRoomGone));
      return;
    }
    struct Taken {  // also where it throws
      PodRoom& room;
      const std::string &ns, &pod;
      ~Taken() { room.Leave(ns, pod); }
    } taken{context_.snapshots.pod_room, ns, action.name};
    Make(mounted, action);
  }

  void Make(const Mounted& mounted, const plan::CreatePod& action) {
    if (const auto* map = mounted.config_map; map != nullptr) {
      auto made = CreateOwned(kube::kConfigMaps, map->name, map->config_map);
      if (!made) return Refuse(action.name, made.error());
    }
    for (const plan::CreateClaim* claim : mounted.claims) {
      auto made = CreateOwned(kube::kPersistentVolumeClaims, claim->name, claim->claim);
      if (!made) return Refuse(action.name, made.error());
    }
    auto object = CreateOwned(kube::kPods, action.name, action.pod);
    if (!object) return Refuse(action.name, object.error());
    tries_.NoteCreated(action.name);
    if (auto fields = LeftOut(action.pod.at("spec"), object->value("spec", Json::object()), "spec");
        !fields.empty())
      tries_.NoteLeftOut(
          action.pod.at("metadata").at("labels").at(plan::kLabelStep).get<std::string>(),
          std::move(fields));
    if (auto entry = ReadPod(*object)) {
      static_cast<void>(context_.snapshots.pods.Put(std::move(*entry), PodTable::Source::kCreate,
                                                    context_.clock));
    }
    const std::lock_guard lock(mutex_);
    ++report_.pods_created;
  }

  void Delete(const plan::DeletePod& action) {
    kube::DeleteOptions options;
    options.uid = action.uid;
    options.grace_period_seconds = action.grace_seconds;
    auto done = context_.client.Delete(kube::kPods, run_.meta.namespace_, action.name, options,
                                       {.stop = context_.stop});
    // Where another object has that name now, the one that was meant is gone.
    const bool gone = !done && (done.error().kind == ErrorKind::kNotFound ||
                                done.error().kind == ErrorKind::kConflict);
    if (done || gone) return tries_.NoteDelete(action, std::nullopt);
    if (!plan::IsRefusal(done.error().kind)) return Fail(done.error());
    tries_.NoteDelete(action, done.error());
    const std::lock_guard lock(mutex_);
    report_.refused = true;
  }

  void Create(const plan::CreateChild& action) {
    auto object = CreateOwned(kube::kPipelineRuns, action.name, action.run);
    if (!object) return Refuse(action.name, object.error());
    tries_.NoteCreated(action.name);
    NoteChanged(action.name, *object);
  }

  void Cancel(const plan::CancelChild& action) {
    const char* const mode = action.mode == api::CancelMode::kNow ? "Now" : "Stop";
    auto object = context_.client.MergePatch(
        kube::kPipelineRuns, run_.meta.namespace_, action.name,
        {{"metadata", {{"uid", action.uid}}}, {"spec", {{"cancel", mode}}}}, {},
        {.stop = context_.stop});
    // Where another run has that name now, the one that was meant is gone.
    const bool gone = !object && (object.error().kind == ErrorKind::kNotFound ||
                                  object.error().kind == ErrorKind::kConflict);
    if (gone) {
      context_.snapshots.runs.Drop({run_.meta.namespace_, action.name}, action.uid);
      context_.snapshots.locks.EndWrite(action.uid);
      const std::lock_guard lock(mutex_);
      report_.runs_gone = true;
      return;
    }
    if (!object) return Fail(object.error());
    NoteChanged(action.name, *object);
  }

  void Label(const plan::PutRunLabels& action) {
    auto object = context_.client.MergePatch(
        kube::kPipelineRuns, run_.meta.namespace_, run_.meta.name,
        {{"metadata", {{"uid", run_.meta.uid}, {"labels", action.labels}}}}, {},
        {.stop = context_.stop});
    if (object)
      context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(*object)));
    else if (object.error().kind != ErrorKind::kNotFound)
      Fail(object.error());
  }

  // Off the way: nobody waits for the cache but the next run.
  void Record(const plan::RecordCache& action) {
    context_.submit_io(run_.meta.namespace_,
                       [&store = context_.store, &pods = context_.snapshots.pods,
                        ns = run_.meta.namespace_, uid = run_.meta.uid, action] {
                         // A cache that could not be written costs a run of the step, no more.
                         static_cast<void>(store.PutCacheEntry(ns, action.key, action.receipt));
                         pods.NoteRecorded(uid, action.receipt.pod);
                       });
  }

  ActionReport Report() { return std::move(report_); }

 private:
  Result<Json> CreateOwned(const kube::ResourceType& type, const std::string& name,
                           const Json& object) {
    const std::string& ns = run_.meta.namespace_;
    auto created = context_.client.Create(type, ns, object, {.stop = context_.stop});
    if (created) return created;
    Error error = created.error();
    if (error.kind == ErrorKind::kAlreadyExists) {
      auto found = context_.client.Get(type, ns, name, {.stop = context_.stop});
      if (found && IsOwnedBy(*found, run_.meta.uid)) return found;
      if (found) {
        error.message = "a " + std::string(type.kind) + " of the name " + name +
                        " exists that does not belong to this run; delete or rename it";
      } else if (found.error().kind == ErrorKind::kNotFound) {
        error = Transient(std::string(type.kind) + " " + name + " vanished while it was adopted");
      } else {
        error = found.error();
      }
    }
    return error;
  }

  void NoteChanged(const std::string& child, const Json& object) {
    context_.snapshots.runs.Put(Known<api::PipelineRun>(api::DecodePipelineRun(object)));
    const std::lock_guard lock(mutex_);
    report_.runs_changed.push_back(child);
  }

  bool MustWait(Milliseconds wait) {
    if (wait.count() <= 0) return false;
    const std::lock_guard lock(mutex_);
    report_.retry_after = Sooner(report_.retry_after, wait);
    return true;
  }

  void Refuse(const std::string& pod, const Error& why) {
    if (!plan::IsRefusal(why.kind)) return Fail(why);
    tries_.RefuseCreate(pod, why);
    const std::lock_guard lock(mutex_);
    report_.refused = true;
  }

  void Fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!report_.error) report_.error = error;
  }

  const Context& context_;
  const api::PipelineRun& run_;
  PodTries& tries_;
  std::mutex mutex_;
  ActionReport report_;
};

}  // namespace

ActionReport Act(const Context& context, const api::PipelineRun& run,
                 const std::vector<plan::RunAction>& actions, RunFacts& facts, PodTries& tries) {
  Acting acting(context, run, tries);
  std::map<std::string, Acting::Mounted> mounted;  // by the pod that mounts it
  std::vector<std::function<void()>> pods, others;
  for (const plan::RunAction& action : actions) {
    if (const auto* to_mount = std::get_if<plan::CreateConfigMap>(&action)) {
      mounted[to_mount->pod].config_map = to_mount;
    } else if (const auto* claim = std::get_if<plan::CreateClaim>(&action)) {
      mounted[claim->pod].claims.push_back(claim);
    } else if (const auto* pod = std::get_if<plan::CreatePod>(&action)) {
      const Acting::Mounted& needed = mounted[pod->name];  // stands before it in the plan
      pods.emplace_back([&acting, &needed, pod] { acting.Create(needed, *pod); });
    } else if (const auto* child = std::get_if<plan::CreateChild>(&action)) {
      pods.emplace_back([&acting, child] { acting.Create(*child); });
    } else if (const auto* cancel = std::get_if<plan::CancelChild>(&action)) {
      others.emplace_back([&acting, cancel] { acting.Cancel(*cancel); });
    } else if (const auto* labels = std::get_if<plan::PutRunLabels>(&action)) {
      others.emplace_back([&acting, labels] { acting.Label(*labels); });
    } else if (const auto* gone = std::get_if<plan::DeletePod>(&action)) {
      others.emplace_back([&acting, gone] { acting.Delete(*gone); });
    } else if (const auto* entry = std::get_if<plan::RecordCache>(&action)) {
      acting.Record(*entry);
    } else if (const auto* wrong = std::get_if<plan::DropCache>(&action)) {
      facts.DropCache(wrong->key);
    } else if (const auto* kept = std::get_if<plan::KeepReceipt>(&action)) {
      facts.Keep(kept->receipt);
    }
  }
  acting.Each(std::move(pods));
  acting.Each(std::move(others));
  return acting.Report();
}

}  // namespace penstock::controllers
