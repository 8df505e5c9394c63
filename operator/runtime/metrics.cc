#include "operator/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <mutex>

#include "operator/base/error.h"
#include "operator/kube/informer.h"

namespace penstock::runtime {

using prometheus::Histogram;

struct Metrics::Impl {
  std::mutex scraping;  // what a scrape raises to a total
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& reconciles = prometheus::BuildCounter()
                                                            .Name("penstock_reconcile_total")
                                                            .Help("Reconciles by their outcome")
                                                            .Register(registry);
  prometheus::Family<prometheus::Counter>& errors =
      prometheus::BuildCounter()
          .Name("penstock_reconcile_errors_total")
          .Help("Reconciles that ended in an error, conflicts included")
          .Register(registry);
  prometheus::Family<Histogram>& times = prometheus::BuildHistogram()
                                             .Name("penstock_reconcile_time_seconds")
                                             .Help("Time of a reconcile")
                                             .Register(registry);
  prometheus::Family<prometheus::Counter>& writes =
      prometheus::BuildCounter()
          .Name("penstock_api_writes_total")
          .Help("Writes sent to the API server: objects, status, events, leases, token reviews")
          .Register(registry);
  Histogram& handoff = prometheus::BuildHistogram()
                           .Name("penstock_handoff_seconds")
                           .Help("From a pod seen ended to the next pod created")
                           .Register(registry)
                           .Add({}, Histogram::BucketBoundaries{.001, .0025, .005, .01, .025, .05,
                                                                .1, .25, .5, 1, 5});
  prometheus::Gauge& leader = prometheus::BuildGauge()
                                  .Name("penstock_leader")
                                  .Help("1 while this process leads")
                                  .Register(registry)
                                  .Add({});
  prometheus::Gauge& MakeGauge(const std::string& name, const std::string& help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Gauge& volume_size =
      MakeGauge("penstock_volume_size_bytes", "Size of the data volume");
  prometheus::Gauge& volume_free =
      MakeGauge("penstock_volume_free_bytes", "Free bytes of the data volume");
  prometheus::Gauge& volume_reserve = MakeGauge(
      "penstock_volume_reserve_bytes", "Bytes below which the data volume takes no artifacts");
  prometheus::Family<prometheus::Gauge>& store =
      prometheus::BuildGauge()
          .Name("penstock_store_bytes")
          .Help("Artifacts by their use, as the newest collection left them")
          .Register(registry);
  prometheus::Counter& MakeCounter(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Counter& removed_bytes = MakeCounter("penstock_store_removed_bytes_total",
                                                   "Bytes of artifacts that nothing referred to");
  prometheus::Counter& removed_files = MakeCounter("penstock_store_removed_files_total",
                                                   "Files of artifacts that nothing referred to");
  prometheus::Family<prometheus::Counter>& collections =
      prometheus::BuildCounter()
          .Name("penstock_store_collections_total")
          .Help("Collections of the artifact store by their outcome")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& lineage =
      prometheus::BuildCounter()
          .Name("penstock_openlineage_events_total")
          .Help("OpenLineage events by what became of them")
          .Register(registry);
  prometheus::Gauge& collected = MakeGauge("penstock_store_collected_timestamp_seconds",
                                           "When the artifact store was last collected");
  prometheus::Gauge& history =
      MakeGauge("penstock_history_open", "1 while the database of history is open");
  prometheus::Counter& dropped = prometheus::BuildCounter()
                                     .Name("penstock_events_dropped_total")
                                     .Help("Events that the rate limit held back")
                                     .Register(registry)
                                     .Add({});
  prometheus::Family<prometheus::Gauge>& queued = prometheus::BuildGauge()
                                                      .Name("penstock_queue_keys")
                                                      .Help("Keys that wait for a worker")
                                                      .Register(registry);
  prometheus::Family<prometheus::Gauge>& lock_holders =
      prometheus::BuildGauge()
          .Name("penstock_lock_holders")
          .Help("Steps, items and runs that hold a lock")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& lock_waiters =
      prometheus::BuildGauge()
          .Name("penstock_lock_waiters")
          .Help("Steps, items and runs that wait for a lock")
          .Register(registry);
  std::vector<std::pair<prometheus::Gauge*, prometheus::Gauge*>> locks;  // that stand there now
  prometheus::Family<prometheus::Gauge>& late =
      prometheus::BuildGauge()
          .Name("penstock_pipeline_late")
          .Help("1 where what the Pipeline makes is older than it may be, 0 where it is fresh")
          .Register(registry);
  std::vector<prometheus::Gauge*> freshness;  // that stand there now
  prometheus::Family<prometheus::Gauge>& namespace_bytes =
      prometheus::BuildGauge()
          .Name("penstock_store_namespace_bytes")
          .Help("Artifacts of a namespace that has a quota")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& quota_bytes =
      prometheus::BuildGauge()
          .Name("penstock_store_quota_bytes")
          .Help("How much of artifacts the namespace may hold")
          .Register(registry);
  std::map<std::string, prometheus::Family<prometheus::Counter>*> informer_counters;
  prometheus::Family<prometheus::Gauge>& informer_objects = prometheus::BuildGauge()
                                                                .Name("penstock_informer_objects")
                                                                .Help("Objects in the cache")
                                                                .Register(registry);
  prometheus::Gauge& memory = prometheus::BuildGauge()
                                  .Name("process_resident_memory_bytes")
                                  .Help("Resident memory size in bytes")
                                  .Register(registry)
                                  .Add({});
  prometheus::Counter& cpu = prometheus::BuildCounter()
                                 .Name("process_cpu_seconds_total")
                                 .Help("User and system CPU time spent in seconds")
                                 .Register(registry)
                                 .Add({});

  void RaiseTo(const std::string& name, const std::string& help, const std::string& kind,
               double total) {
    auto& family = informer_counters[name];
    if (family == nullptr) {
      family = &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    }
    Raise(family->Add({{"kind", kind}}), total);
  }
  static void Raise(prometheus::Counter& counter, double total) {
    if (total > counter.Value()) counter.Increment(total - counter.Value());
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  for (const char* use : {"inUse", "cached", "recent"}) impl_->store.Add({{"use", use}});
  for (const char* result : {"success", "error"}) impl_->collections.Add({{"result", result}});
  for (const char* result : {"sent", "refused", "retried"})
    impl_->lineage.Add({{"result", result}});
  // The names that the engine gives its workers.
  for (const char* controller : {"pipeline", "pipelinerun", "modeldeployment"}) {
    impl_->errors.Add({{"controller", controller}});
    for (const char* result : {"success", "requeue"})
      impl_->reconciles.Add({{"controller", controller}, {"result", result}});
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind)
      impl_->reconciles.Add(
          {{"controller", controller}, {"result", Name(static_cast<ErrorKind>(kind))}});
  }
  for (const char* kind : {"Pod", "ConfigMap", "ControllerRevision", "Event"})
    impl_->writes.Add({{"verb", "create"}, {"kind", kind}});
  for (const char* kind : {"PipelineRun", "Pipeline", "ModelDeployment"})
    impl_->writes.Add({{"verb", "update_status"}, {"kind", kind}});
}
Metrics::~Metrics() = default;

void Metrics::Reconciled(const std::string& controller, std::chrono::nanoseconds took,
                         const std::string& result) {
  impl_->reconciles.Add({{"controller", controller}, {"result", result}}).Increment();
  if (result != "success" && result != "requeue") {
    impl_->errors.Add({{"controller", controller}}).Increment();
  }
  impl_->times
      .Add({{"controller", controller}},
           Histogram::BucketBoundaries{.0005, .001, .005, .01, .05, .1, .5, 1, 5})
      .Observe(std::chrono::duration<double>(took).count());
}

void Metrics::ApiWrite(std::string_view verb, std::string_view kind) {
  impl_->writes.Add({{"verb", std::string(verb)}, {"kind", std::string(kind)}}).Increment();
}

void Metrics::Handoff(std::chrono::milliseconds took) {
  impl_->handoff.Observe(std::chrono::duration<double>(took).count());
}

void Metrics::Informers(const std::vector<const kube::Informer*>& informers) {
  struct Sum {
    double lists = 0, watches = 0, failures = 0, events = 0, undecodable = 0, objects = 0;
  };
  std::map<std::string, Sum> sums;  // one informer a namespace and kind
  for (const kube::Informer* informer : informers) {
    const kube::InformerCounters& c = informer->counters();
    Sum& sum = sums[std::string(informer->type().kind)];
    sum.lists += double(c.lists);
    sum.watches += double(c.watches);
    sum.failures += double(c.failures);
    sum.events += double(c.events);
    sum.undecodable += double(c.undecodable);
    sum.objects += double(informer->store().size());
  }
  const std::lock_guard lock(impl_->scraping);
  for (const auto& [kind, sum] : sums) {
    impl_->RaiseTo("penstock_informer_lists_total", "Whole lists begun", kind, sum.lists);
    impl_->RaiseTo("penstock_informer_watches_total", "Watches begun", kind, sum.watches);
    impl_->RaiseTo("penstock_informer_failures_total", "Lists and watches that failed", kind,
                   sum.failures);
    impl_->RaiseTo("penstock_informer_events_total", "Watch events, bookmarks included", kind,
                   sum.events);
    impl_->RaiseTo("penstock_informer_undecodable_total", "Objects that could not be read", kind,
                   sum.undecodable);
    impl_->informer_objects.Add({{"kind", kind}}).Set(sum.objects);
  }
}

void Metrics::Queued(const std::string& controller, std::size_t keys) {
  impl_->queued.Add({{"controller", controller}}).Set(double(keys));
}

void Metrics::Locks(const std::vector<LockGauge>& locks) {
  constexpr std::size_t kMost = 1'000;
  const std::lock_guard lock(impl_->scraping);
  for (const auto& [holders, waiters] : impl_->locks) {
    impl_->lock_holders.Remove(holders);
    impl_->lock_waiters.Remove(waiters);
  }
  impl_->locks.clear();
  for (std::size_t i = 0; i < locks.size() && i < kMost; ++i) {
    const prometheus::Labels labels{{"namespace", locks[i].ns}, {"lock", locks[i].lock}};
    auto& holders = impl_->lock_holders.Add(labels);
    auto& waiters = impl_->lock_waiters.Add(labels);
    holders.Set(double(locks[i].holders));
    waiters.Set(double(locks[i].waiters));
    impl_->locks.emplace_back(&holders, &waiters);
  }
}

void Metrics::Freshness(const std::vector<FreshnessGauge>& pipelines) {
  constexpr std::size_t kMost = 1'000;
  const std::lock_guard lock(impl_->scraping);
  for (prometheus::Gauge* gauge : impl_->freshness) impl_->late.Remove(gauge);
  impl_->freshness.clear();
  for (std::size_t i = 0; i < pipelines.size() && i < kMost; ++i) {
    auto& gauge =
        impl_->late.Add({{"namespace", pipelines[i].ns}, {"pipeline", pipelines[i].pipeline}});
    gauge.Set(pipelines[i].late ? 1 : 0);
    impl_->freshness.push_back(&gauge);
  }
}

void Metrics::Quotas(const std::vector<QuotaGauge>& quotas) {
  for (const QuotaGauge& quota : quotas) {
    const std::map<std::string, std::string> labels{{"namespace", quota.ns}};
    impl_->namespace_bytes.Add(labels).Set(double(quota.bytes));
    impl_->quota_bytes.Add(labels).Set(double(quota.quota));
  }
}

void Metrics::Process() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0;
  double resident = 0;
  if (statm >> pages >> resident) impl_->memory.Set(resident * double(::sysconf(_SC_PAGESIZE)));
  struct rusage usage {};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return;
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  const std::lock_guard lock(impl_->scraping);
  Impl::Raise(impl_->cpu, seconds(usage.ru_utime) + seconds(usage.ru_stime));
}

void Metrics::Leading(bool yes) { impl_->leader.Set(yes ? 1 : 0); }
void Metrics::Volume(const VolumeSpace& space) {
  impl_->volume_size.Set(double(space.size));
  impl_->volume_free.Set(double(space.free));
  impl_->volume_reserve.Set(double(ReserveOf(space)));
}
void Metrics::Collected(const StoreCounts& counts) {
  impl_->collections.Add({{"result", counts.failed ? "error" : "success"}}).Increment();
  impl_->removed_bytes.Increment(double(counts.removed_bytes));
  impl_->removed_files.Increment(double(counts.removed_files));
  if (counts.failed) return;  // sums of some namespaces say nothing of all
  impl_->store.Add({{"use", "inUse"}}).Set(double(counts.in_use_bytes));
  impl_->store.Add({{"use", "cached"}}).Set(double(counts.cached_bytes));
  impl_->store.Add({{"use", "recent"}}).Set(double(counts.recent_bytes));
  impl_->collected.Set(double(
      std::chrono::duration_cast<std::chrono::seconds>(counts.at.time_since_epoch()).count()));
}
void Metrics::HistoryOpen(bool yes) { impl_->history.Set(yes ? 1 : 0); }
void Metrics::LineageEvent(const std::string& result) {
  impl_->lineage.Add({{"result", result}}).Increment();
}
void Metrics::EventDropped() { impl_->dropped.Increment(); }

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock::runtime
