// The operator's metrics, by controller-runtime's names with our prefix; all exist, at 0, from the
// start, and none is labelled by an object's name, but locks are by theirs, as long as they are in
// use. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/time.h"
#include "operator/base/volume.h"

namespace penstock::kube {
class Informer;
}

namespace penstock::runtime {

struct LockGauge {
  std::string ns, lock;
  std::size_t holders = 0;
  std::size_t waiters = 0;
};

struct FreshnessGauge {
  std::string ns, pipeline;
  bool late = false;
};

struct QuotaGauge {
  std::string ns;
  std::uint64_t bytes = 0, quota = 0;
};

// Of one collection of the artifact store.
struct StoreCounts {
  std::uint64_t in_use_bytes = 0, cached_bytes = 0, recent_bytes = 0;
  std::uint64_t removed_bytes = 0, removed_files = 0;
  TimePoint at;
  bool failed = false;  // it is not all done
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // penstock_reconcile_total{controller,result}, penstock_reconcile_errors_total{controller},
  // penstock_reconcile_time_seconds{controller}. `result`: success, requeue, or an ErrorKind's
  // name.
  void Reconciled(const std::string& controller, std::chrono::nanoseconds took,
                  const std::string& result);
  // penstock_api_writes_total{verb,kind}: sent, whatever the answer was
  void ApiWrite(std::string_view verb, std::string_view kind);
  // penstock_handoff_seconds: a pod was seen to end -> the next pod was created
  void Handoff(std::chrono::milliseconds took);
  // penstock_informer_{lists,watches,failures,events,undecodable}_total{kind} and
  // penstock_informer_objects{kind}: what the informers have counted since the start.
  void Informers(const std::vector<const kube::Informer*>& informers);
  // penstock_queue_keys{controller}: keys that wait for a worker, delayed ones included
  void Queued(const std::string& controller, std::size_t keys);
  // penstock_lock_holders{namespace,lock} and penstock_lock_waiters{namespace,lock}: of locks that
  // somebody holds or asks for, at most 1,000; the others have none
  void Locks(const std::vector<LockGauge>& locks);
  // penstock_pipeline_late{namespace,pipeline}: 1 of a Pipeline whose condition Fresh is False, 0
  // where it is True, at most 1,000; the others have none
  void Freshness(const std::vector<FreshnessGauge>& pipelines);
  // process_resident_memory_bytes and process_cpu_seconds_total, as of now
  void Process();
  // penstock_leader: 1 while this process holds the lease
  void Leading(bool yes);
  // penstock_volume_size_bytes, penstock_volume_free_bytes, penstock_volume_reserve_bytes: of the
  // data folder's volume, as of now
  void Volume(const VolumeSpace& space);
  // penstock_store_bytes{use}: inUse, cached and recent, as the newest collection left them;
  // penstock_store_removed_bytes_total, penstock_store_removed_files_total,
  // penstock_store_collections_total{result}: success or error, and
  // penstock_store_collected_timestamp_seconds: of the last that was a success, 0: none yet
  void Collected(const StoreCounts& counts);
  // penstock_store_namespace_bytes{namespace} and penstock_store_quota_bytes{namespace}: of
  // namespaces that have a quota and are counted
  void Quotas(const std::vector<QuotaGauge>& quotas);
  // penstock_history_open: 1 while the database takes what runs do
  void HistoryOpen(bool yes);
  // penstock_openlineage_events_total{result}: sent, refused (left out), retried
  void LineageEvent(const std::string& result);
  // penstock_events_dropped_total: events that the rate limit held back
  void EventDropped();

  // Prometheus' text format.
  [[nodiscard]] std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::runtime
