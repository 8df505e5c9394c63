// A kind's objects, kept up to date by a thread that lists and watches.
//
// Before an object is kept, managedFields and kubectl's last-applied annotation are cut off, then
// the caller's transform runs. An object without usable metadata, or one that the transform cannot
// read, is counted and skipped; the others go on. After a lost watch the cache is replaced in one
// step and deletions that were missed are told. Handlers run on the informer's thread, in order,
// and should only queue keys.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/kube/store.h"
#include "operator/kube/watch_machine.h"

namespace penstock::kube {

struct InformerOptions {
  std::string ns;  // empty = all namespaces
  std::string label_selector;
  std::string field_selector;
  int page_size = 500;
  bool streaming_list = true;  // where the server knows it
  // Trims an object before it is kept. May throw Json::exception: the object is skipped.
  std::function<void(Json&)> transform;
  // What stays in the store of an object that the handlers were told of; all of it when absent. For
  // handlers that keep a decoded copy. Needs metadata's name, namespace, uid, resourceVersion and
  // ownerReferences, and what a handler reads of an object whose deletion went by unseen.
  std::function<Json(const Json&)> keep;
  std::chrono::seconds idle_timeout{60};
  BackoffSettings backoff;
};

// Since the start; for metrics and tests.
struct InformerCounters {
  std::atomic<std::uint64_t> lists{0};        // begun
  std::atomic<std::uint64_t> watches{0};      // begun, streaming lists included
  std::atomic<std::uint64_t> failures{0};     // of either
  std::atomic<std::uint64_t> events{0};       // bookmarks included
  std::atomic<std::uint64_t> undecodable{0};  // objects that were skipped
};

class Informer {
 public:
  using Handler = std::function<void(const Change&)>;
  // Told of each failure that is met with a back-off; for the log.
  using FailureHandler = std::function<void(const Error&)>;

  // `client` and `clock` must outlive the informer.
  Informer(Client& client, const ResourceType& type, InformerOptions options, const Clock& clock);
  ~Informer();  // stops
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Before Start().
  void AddHandler(Handler handler) { handlers_.push_back(std::move(handler)); }
  void OnFailure(FailureHandler handler) { on_failure_ = std::move(handler); }

  void Start();
  // Ends the thread; returns within about a second. The store stays readable.
  void Stop();

  // True once a first whole list has been told to the handlers.
  [[nodiscard]] bool HasSynced() const { return synced_.load(); }
  // False when it did not sync in time, or was stopped.
  [[nodiscard]] bool WaitForSync(std::chrono::milliseconds timeout, std::stop_token stop = {});

  [[nodiscard]] const Store& store() const { return store_; }
  [[nodiscard]] const InformerCounters& counters() const { return counters_; }
  [[nodiscard]] const ResourceType& type() const { return type_; }

 private:
  void Run(const std::stop_token& stop);
  void ListOnePage(WatchMachine& machine, const WatchMachine::Plan& plan,
                   const std::stop_token& stop);
  void WatchOnce(WatchMachine& machine, const WatchMachine::Plan& plan,
                 const std::stop_token& stop);
  void Collect(Json object);
  void Handle(WatchEvent& event, WatchMachine& machine, bool& initial);
  void HandleObject(WatchEventType type, Json object);
  void FinishList();
  [[nodiscard]] ObjectPtr Trim(Json object);
  void Tell(const Change& change);

  Client& client_;
  const ResourceType type_;
  const InformerOptions options_;
  const Clock& clock_;
  std::vector<Handler> handlers_;
  FailureHandler on_failure_;
  Store store_;
  InformerCounters counters_;
  std::map<ObjectKey, ObjectPtr> collected_;  // of a list that is under way
  std::atomic<bool> synced_{false};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;
};

}  // namespace penstock::kube
