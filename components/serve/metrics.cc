#include "components/serve/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <utility>

namespace penstock::serve {
namespace {

using prometheus::Histogram;

const Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                              0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                              1,      2.5,     5,      10};
const Histogram::BucketBoundaries kRows = {1, 2, 4, 8, 16, 32, 64, 128, 256};

double Seconds(Metrics::Duration d) { return std::chrono::duration<double>(d).count(); }

Histogram& AddHistogram(prometheus::Registry& registry, const char* name, const char* help,
                        const Histogram::BucketBoundaries& buckets) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, buckets);
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("penstock_serve_requests_total")
          .Help("Answered requests by operation and status code.")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& rejected =
      prometheus::BuildCounter()
          .Name("penstock_serve_rejected_total")
          .Help("Inference requests that were not computed, by reason.")
          .Register(registry);
  Histogram& total = AddHistogram(registry, "penstock_serve_request_duration_seconds",
                                  "Inference requests, from read to answered.", kSeconds);
  Histogram& queued =
      AddHistogram(registry, "penstock_serve_queue_duration_seconds",
                   "Time that inference requests waited for an instance.", kSeconds);
  Histogram& computed =
      AddHistogram(registry, "penstock_serve_compute_duration_seconds",
                   "Time of the batch that an inference request was part of.", kSeconds);
  Histogram& batch = AddHistogram(registry, "penstock_serve_batch_rows", "Rows a batch.", kRows);
  prometheus::Gauge& ready = AddGauge(registry, "penstock_serve_ready", "1 while ready.");
  prometheus::Gauge& connections =
      AddGauge(registry, "penstock_serve_connections", "Open client connections.");
  prometheus::Gauge& jobs =
      AddGauge(registry, "penstock_serve_queued_requests", "Requests in the queue.");
  prometheus::Counter& queue_full = rejected.Add({{"reason", "queue_full"}});
  prometheus::Counter& expired = rejected.Add({{"reason", "expired"}});
  prometheus::Counter& inferred = requests.Add({{"operation", "infer"}, {"code", "200"}});

  std::mutex mutex;
  std::map<std::pair<std::string, int>, prometheus::Counter*> by_code;  // guarded by mutex
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::CountRequest(const char* operation, int status) {
  if (status == 200 && std::string_view(operation) == "infer") return impl_->inferred.Increment();
  std::lock_guard lock(impl_->mutex);
  prometheus::Counter*& counter = impl_->by_code[{operation, status}];
  if (counter == nullptr) {
    counter = &impl_->requests.Add({{"operation", operation}, {"code", std::to_string(status)}});
  }
  counter->Increment();
}

void Metrics::ObserveInference(Duration total, Duration queued, Duration computed) {
  impl_->total.Observe(Seconds(total));
  impl_->queued.Observe(Seconds(queued));
  impl_->computed.Observe(Seconds(computed));
}

void Metrics::ObserveBatch(std::int64_t rows) { impl_->batch.Observe(static_cast<double>(rows)); }

void Metrics::CountRejected(const char* reason) {
  (std::string_view(reason) == "expired" ? impl_->expired : impl_->queue_full).Increment();
}

void Metrics::SetReady(bool ready) { impl_->ready.Set(ready ? 1 : 0); }
void Metrics::SetConnections(std::int64_t n) { impl_->connections.Set(static_cast<double>(n)); }
void Metrics::SetQueued(std::size_t jobs) { impl_->jobs.Set(static_cast<double>(jobs)); }

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock::serve
