// A Kubernetes API in memory: what `penstock run` and the tests use in place of a cluster.
//
// Keeps to the API server's semantics as far as the operator relies on them, and the conformance
// suite (tests/conformance) holds both to it: resource versions, history with 410, selectors,
// paging, status subresources, server-side apply, preconditions, finalizers, a pod's grace period,
// deletion of what a deleted object owned. It has no admission, no defaulting (but a new pod is
// Pending) and no controllers but the garbage collector, which here runs inside the deleting call.
//
// Thread-safe: one mutex, held for no I/O and no callback. Watches run on their callers' threads
// and must have ended before the cluster is destroyed.
#pragma once

#include <array>
#include <compare>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/local/apply_merge.h"

namespace penstock::local {

// Gives a pod's log. Called without the cluster's lock; must watch `stop`.
using LogSource =
    std::function<Result<void>(const std::string& ns, const std::string& pod,
                               const kube::LogOptions&, const kube::LogSink&, std::stop_token)>;

// What a call is about, for interceptors.
struct Request {
  std::string_view verb;  // get, list, create, update, apply, patch, delete, watch
  const kube::ResourceType& type;
  const std::string& ns;
  const std::string& name;       // empty for list, watch and generated names
  std::string_view subresource;  // "" or "status"
};

// Called before every call, without the lock; an error it gives is the call's answer. Tests inject
// faults and count requests with it.
using Interceptor = std::function<std::optional<Error>(const Request&)>;

class MemoryCluster : public kube::Client {
 public:
  struct Options {
    std::size_t history = 10'000;  // events kept a kind; a watch from before them is kExpired
    std::chrono::milliseconds bookmark_interval{60'000};
    std::size_t page_snapshots = 64;  // continue tokens that are valid at a time
  };
  explicit MemoryCluster(const Clock& clock) : MemoryCluster(clock, Options{}) {}
  MemoryCluster(const Clock& clock, Options options);

  Result<Json> Get(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                   const kube::Call& call = {}) override;
  Result<kube::ListPage> List(const kube::ResourceType& type, const std::string& ns,
                              const kube::ListOptions& options,
                              const kube::Call& call = {}) override;
  Result<Json> Create(const kube::ResourceType& type, const std::string& ns, const Json& object,
                      const kube::Call& call = {}) override;
  Result<Json> Update(const kube::ResourceType& type, const std::string& ns,
                      const std::string& name, const Json& object,
                      const std::string& subresource = "", const kube::Call& call = {}) override;
  Result<Json> Apply(const kube::ResourceType& type, const std::string& ns, const std::string& name,
                     const Json& object, const kube::PatchOptions& options = {},
                     const kube::Call& call = {}) override;
  Result<Json> MergePatch(const kube::ResourceType& type, const std::string& ns,
                          const std::string& name, const Json& patch,
                          const kube::PatchOptions& options = {},
                          const kube::Call& call = {}) override;
  Result<void> Delete(const kube::ResourceType& type, const std::string& ns,
                      const std::string& name, const kube::DeleteOptions& options = {},
                      const kube::Call& call = {}) override;
  Result<void> Watch(const kube::ResourceType& type, const std::string& ns,
                     const kube::WatchOptions& options, const kube::WatchSink& sink,
                     std::stop_token stop) override;
  Result<void> Logs(const std::string& ns, const std::string& pod, const kube::LogOptions& options,
                    const kube::LogSink& sink, std::stop_token stop) override;

  // Before other threads use the cluster.
  void SetLogSource(LogSource source) { log_source_ = std::move(source); }
  // An empty one takes it away. Calls that are under way may still meet the one before.
  void SetInterceptor(Interceptor interceptor) {
    const std::lock_guard lock(interceptor_mutex_);
    interceptor_ =
        interceptor ? std::make_shared<const Interceptor>(std::move(interceptor)) : nullptr;
  }

  // Puts an object as it stands, with its identity and status, as a backup is put back; for tests
  // of what an older program has left.
  void Restore(const kube::ResourceType& type, const Json& object);

  // Forgets all history and continue tokens, as etcd's compaction does: a watch from any version
  // before now, an open one that has not yet read what was forgotten, and the next page of a list
  // are kExpired.
  void Compact();
  // Ends every open watch as a server that restarts does.
  void EndWatches();

 private:
  using Object = std::shared_ptr<const Json>;
  using Key = std::pair<std::string, std::string>;  // namespace, name
  struct Manager {
    std::string name, operation, subresource;  // operation: Update or Apply
    auto operator<=>(const Manager&) const = default;
  };
  struct Stored {
    Object object;
    std::map<Manager, FieldSet> managers;
  };
  struct Event {
    std::uint64_t revision;
    Object before;  // null for an addition
    Object after;   // null for a removal; `before` is then the last state at `revision`
  };
  struct Kind {
    std::array<std::string, 4> names;
    kube::ResourceType type;  // views of `names`
    std::map<Key, Stored> objects;
    std::deque<Event> history;
    std::uint64_t trimmed = 0;  // version of the newest event that left the history
  };
  struct WatchCursor;

  Result<void> Enter(const Request& request, const std::stop_token& stop) const;

  // All below need the lock.
  Kind& KindOf(const kube::ResourceType& type);
  Result<Json> CreateLocked(Kind& kind, const std::string& ns, Json object, const Manager& manager);
  Result<Json> Replace(Kind& kind, const Key& key, Json next, const Manager& manager);
  Result<Json> ApplyLocked(Kind& kind, const Key& key, Json config,
                           const kube::PatchOptions& options);
  Result<Json> ApplyTo(Kind& kind, const Key& key, Json config, const kube::PatchOptions& options);
  Json Commit(Kind& kind, const Key& key, Json next);
  // Stores `after` (null removes) and tells watches and indexes.
  void Record(Kind& kind, const Key& key, std::optional<Json> after);
  void Index(Kind& kind, const Key& key, const Json& object, bool add);

  void DeleteObject(Kind& kind, const Key& key, std::optional<int> grace_seconds);
  void DeleteForeground(Kind& kind, const Key& key);
  void Remove(Kind& kind, const Key& key);
  std::vector<std::pair<Kind*, Key>> Dependents(const std::string& owner_uid) const;
  void CollectDependents(const std::string& owner_uid);
  void DropOwner(Kind& kind, const Key& key, const std::string& owner_uid);
  void FinishForegroundOwners(const Json& removed);
  void EmptyNamespace(const std::string& ns);

  Result<std::uint64_t> ParseVersion(const std::string& text) const;
  Result<WatchCursor> OpenWatch(Kind& kind, const std::string& ns,
                                const kube::WatchOptions& options);
  Result<void> CollectEvents(const Kind& kind, WatchCursor& cursor) const;
  Result<kube::ListPage> Page(const kube::ListOptions& options, std::uint64_t snapshot,
                              std::size_t from);

  const Clock& clock_;
  const Options options_;
  LogSource log_source_;
  mutable std::mutex interceptor_mutex_;
  std::shared_ptr<const Interceptor> interceptor_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t revision_;
  std::uint64_t compacted_;  // a watch that starts from a lower version is expired
  std::uint64_t watch_epoch_ = 0;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<Kind>> kinds_;  // group, plural
  std::multimap<std::string, std::pair<Kind*, Key>> by_owner_;  // owner UID -> dependent
  std::map<std::string, std::pair<Kind*, Key>> by_uid_;
  std::uint64_t next_snapshot_ = 1;
  struct PageSnapshot {
    std::vector<Object> items;
    std::uint64_t revision;
  };
  std::map<std::uint64_t, PageSnapshot> snapshots_;
};

}  // namespace penstock::local
