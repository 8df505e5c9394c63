#include "operator/controllers/run_actions.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/controllers/status_write.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

// What the API server will not take, now or as it is: the user must hear of it.
bool IsRefusal(const Error& error) {
  return error.kind == ErrorKind::kForbidden || error.kind == ErrorKind::kInvalid ||
         error.kind == ErrorKind::kQuota || error.kind == ErrorKind::kNotFound ||
         error.kind == ErrorKind::kAlreadyExists;
}

class Acting {
 public:
  Acting(const Context& context, const api::PipelineRun& run, RunFacts& facts)
      : context_(context), run_(run), facts_(facts) {}

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

  void Create(const plan::CreateConfigMap& action) {
    static_cast<void>(CreateOwned(kube::kConfigMaps, action.name, action.config_map));
  }

  void Create(const plan::CreatePod& action) {
    if (const auto wait = facts_.WaitBeforeCreate(action.name); wait.count() > 0) {
      const std::lock_guard lock(mutex_);
      report_.retry_after = Sooner(report_.retry_after, wait);
      return;
    }
    auto object = CreateOwned(kube::kPods, action.name, action.pod);
    if (!object) return;
    facts_.NoteCreated(action.name);
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
    if (done || done.error().kind == ErrorKind::kNotFound) return;
    // Another object has that name now: the one that was meant is gone.
    if (done.error().kind == ErrorKind::kConflict) return;
    Fail(done.error());
  }

  // Off the way: nobody waits for the cache but the next run.
  void Record(const plan::RecordCache& action) {
    context_.submit_io([&store = context_.store, &pods = context_.snapshots.pods,
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
    if (IsRefusal(error)) {
      Refuse(name, error);
    } else {
      Fail(error);
    }
    return error;
  }

  void Refuse(const std::string& name, const Error& why) {
    facts_.RefuseCreate(name, why);
    const std::lock_guard lock(mutex_);
    report_.refused = true;
  }

  void Fail(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!report_.error) report_.error = error;
  }

  const Context& context_;
  const api::PipelineRun& run_;
  RunFacts& facts_;
  std::mutex mutex_;
  ActionReport report_;
};

}  // namespace

ActionReport Act(const Context& context, const api::PipelineRun& run,
                 const std::vector<plan::RunAction>& actions, RunFacts& facts) {
  Acting acting(context, run, facts);
  std::vector<std::function<void()>> config_maps, pods, deletions;
  for (const plan::RunAction& action : actions) {
    if (const auto* map = std::get_if<plan::CreateConfigMap>(&action)) {
      config_maps.emplace_back([&acting, map] { acting.Create(*map); });
    } else if (const auto* pod = std::get_if<plan::CreatePod>(&action)) {
      pods.emplace_back([&acting, pod] { acting.Create(*pod); });
    } else if (const auto* gone = std::get_if<plan::DeletePod>(&action)) {
      deletions.emplace_back([&acting, gone] { acting.Delete(*gone); });
    } else if (const auto* entry = std::get_if<plan::RecordCache>(&action)) {
      acting.Record(*entry);
    } else if (const auto* wrong = std::get_if<plan::DropCache>(&action)) {
      facts.DropCache(wrong->key);
    }
  }
  acting.Each(std::move(config_maps));
  acting.Each(std::move(pods));
  acting.Each(std::move(deletions));
  return acting.Report();
}

}  // namespace penstock::controllers
