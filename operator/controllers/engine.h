// All controllers over one client: informers feed snapshots and wake keys, workers reconcile them.
// `penstock-operator` runs it against an API server, `penstock run` and the tests against the
// in-memory cluster.
//
//   informers --objects--> Snapshots <--newest state-- controllers --writes--> client
//       |                                                   ^
//       +--keys--> queues --> workers --Reconcile-----------+--facts--> pools --keys--> queues
//
// The client, store, recorder and clock must outlive the engine. Workers start when every informer
// has told its first whole list, so nothing is decided on half a picture.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "operator/controllers/context.h"
#include "operator/rollouts/server_ask.h"
#include "operator/routers/router_pods.h"

namespace penstock::kube {
class Informer;
}

namespace penstock::controllers {

// What the program wants to hear of the engine; called from any thread.
struct Hooks : runtime::WorkerHooks {
  std::function<void(Milliseconds)> handoff = [](Milliseconds) {};
  std::function<void(EventNote)> event = [](EventNote) {};
};

struct EngineOptions {
  Settings settings;
  std::vector<std::string> namespaces;  // empty = all
  int workers = 8;                      // of runs; the other kinds have two each
  int api_threads = 16;                 // creates in parallel
  int io_threads = 8;                   // the store, digests
  int io_threads_a_namespace = 2;       // of them at once
  int source_threads = 16;              // outside sources
  int source_threads_a_namespace = 2;   // of them at once
  double pods_per_second = 0;           // created by all runs together; 0 = no limit
  Milliseconds resync{600'000};         // every object is looked at anew, each at its own moment
  Hooks hooks;
  std::function<Result<std::string>(const routers::RouterPod&)> ask_router;  // none: over HTTP
  rollouts::AskServer ask_server;  // a version's server, before it has traffic; none: over HTTP
};

class Engine {
 public:
  Engine(kube::Client& client, const artifacts::Store& store, metadata::Recorder& recorder,
         const Clock& clock, EngineOptions options);
  ~Engine();  // Stop()

  void Start();
  // Ends every call and thread within about a second. Nothing is written afterwards.
  void Stop();

  // True once the workers run.
  [[nodiscard]] bool IsReady() const;
  // For metrics; as long as the engine lives.
  [[nodiscard]] std::vector<const kube::Informer*> informers() const;
  // Keys that wait, by controller.
  [[nodiscard]] std::map<std::string, std::size_t> queued() const;
  // Who holds locks and who waits for them, now.
  [[nodiscard]] std::vector<gates::LockCount> locks() const;
  // Of Pipelines that say how fresh they are to be, as their conditions have it.
  struct FreshnessOf {
    ObjectKey pipeline;
    bool late = false;
  };
  [[nodiscard]] std::vector<FreshnessOf> freshness() const;
  // Whether a run of this UID stands; nothing while the first lists are being read. For readers of
  // history: deleted runs are told apart by it.
  [[nodiscard]] std::optional<bool> Stands(const std::string& ns, const std::string& name,
                                           const std::string& uid) const;
  // Records every run again: after a metadata store was lost, and once at every start.
  void RecordAll();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::controllers
