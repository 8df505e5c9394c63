#include "components/serve/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

namespace penstock::serve {
namespace {

using prometheus::Histogram;

const Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                              0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                              1,      2.5,     5,      10};
// Of what the gates of a rollout compare: ten a decade, a quarter apart.
const Histogram::BucketBoundaries kParts = {
    0.00005, 0.000063, 0.00008, 0.0001, 0.000125, 0.00016, 0.0002, 0.00025, 0.000315,
    0.0004,  0.0005,   0.00063, 0.0008, 0.001,    0.00125, 0.0016, 0.002,   0.0025,
    0.00315, 0.004,    0.005,   0.0063, 0.008,    0.01,    0.0125, 0.016,   0.02,
    0.025,   0.0315,   0.04,    0.05,   0.063,    0.08,    0.1,    0.125,   0.16,
    0.2,     0.25,     0.315,   0.4,    0.5,      0.63,    0.8,    1,       1.25,
    1.6,     2,        2.5,     3.15,   4,        5,       6.3,    8,       10};
const Histogram::BucketBoundaries kRows = {1, 2, 4, 8, 16, 32, 64, 128, 256};

double Seconds(Metrics::Duration d) { return std::chrono::duration<double>(d).count(); }

prometheus::Family<Histogram>& AddHistogram(prometheus::Registry& registry, const char* name,
                                            const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Counter>& AddCounter(prometheus::Registry& registry,
                                                    const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

bool IsInference(std::string_view operation) {
  return operation == "infer" || operation == "predict";
}

}  // namespace

// The series of one model and version.
struct ModelSeries {
  prometheus::Counter& inferred;
  prometheus::Counter& queue_full;
  prometheus::Counter& expired;
  prometheus::Counter& cancelled;
  Histogram& total;
  Histogram& queued;
  Histogram& computed;
  Histogram& batch;
};

struct Metrics::Impl {
  using Labels = std::map<std::string, std::string>;

  [[nodiscard]] std::unique_ptr<ModelSeries> MakeSeries(const Labels& model);
  prometheus::Counter& Counter(const char* operation, int status);

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      AddCounter(registry, "penstock_serve_requests_total",
                 "Answered requests by operation and status code; of inference by model too.");
  prometheus::Family<prometheus::Counter>& rejected =
      AddCounter(registry, "penstock_serve_rejected_total",
                 "Inference requests that were not computed, by reason.");
  prometheus::Family<Histogram>& total =
      AddHistogram(registry, "penstock_serve_request_duration_seconds",
                   "Inference requests, from read to answered.");
  prometheus::Family<Histogram>& queued =
      AddHistogram(registry, "penstock_serve_queue_duration_seconds",
                   "Time that inference requests waited for an instance.");
  prometheus::Family<Histogram>& computed =
      AddHistogram(registry, "penstock_serve_compute_duration_seconds",
                   "Time of the batch that an inference request was part of.");
  prometheus::Family<Histogram>& batch =
      AddHistogram(registry, "penstock_serve_batch_rows", "Rows a batch.");
  prometheus::Gauge& ready = AddGauge(registry, "penstock_serve_ready", "1 while ready.");
  prometheus::Gauge& connections =
      AddGauge(registry, "penstock_serve_connections", "Open client connections.");
  prometheus::Gauge& jobs =
      AddGauge(registry, "penstock_serve_queued_requests", "Requests in the queue.");
  prometheus::Family<prometheus::Counter>& spans =
      AddCounter(registry, "penstock_serve_spans_total", "Spans of traces by what became of them.");
  prometheus::Counter& spans_sent = spans.Add({{"outcome", "sent"}});
  prometheus::Counter& spans_dropped = spans.Add({{"outcome", "dropped"}});
  prometheus::Counter& spans_failed = spans.Add({{"outcome", "failed"}});

  std::mutex mutex;
  Labels model;                                                         // guarded by mutex
  std::map<std::pair<std::string, int>, prometheus::Counter*> by_code;  // guarded by mutex
  std::unique_ptr<ModelSeries> owned;                                   // guarded by mutex
  std::atomic<ModelSeries*> series{nullptr};  // what hot paths use; null until the model is named
};

std::unique_ptr<ModelSeries> Metrics::Impl::MakeSeries(const Labels& labels) {
  const auto with = [&](const char* name, const char* value) {
    Labels more = labels;
    more[name] = value;
    return more;
  };
  Labels ok = with("operation", "infer");
  ok["code"] = "200";
  return std::make_unique<ModelSeries>(ModelSeries{
      requests.Add(ok), rejected.Add(with("reason", "queue_full")),
      rejected.Add(with("reason", "expired")), rejected.Add(with("reason", "cancelled")),
      total.Add(labels, kSeconds), queued.Add(labels, kParts), computed.Add(labels, kParts),
      batch.Add(labels, kRows)});
}

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::NameModel(const std::string& name, const std::string& version) {
  std::lock_guard lock(impl_->mutex);
  impl_->model = {{"model", name}, {"version", version}};
  impl_->by_code.clear();
  impl_->series = nullptr;
  impl_->owned = impl_->MakeSeries(impl_->model);
  impl_->series = impl_->owned.get();
}

prometheus::Counter& Metrics::Impl::Counter(const char* operation, int status) {
  std::lock_guard lock(mutex);
  prometheus::Counter*& counter = by_code[{operation, status}];
  if (counter == nullptr) {
    Labels labels = IsInference(operation) ? model : Labels();
    labels["operation"] = operation;
    labels["code"] = std::to_string(status);
    counter = &requests.Add(labels);
  }
  return *counter;
}

void Metrics::CountRequest(const char* operation, int status) {
  ModelSeries* series = impl_->series;
  if (series != nullptr && status == 200 && std::string_view(operation) == "infer")
    return series->inferred.Increment();
  impl_->Counter(operation, status).Increment();
}

void Metrics::ObserveInference(Duration total, Duration queued, Duration computed) {
  ModelSeries* series = impl_->series;
  if (series == nullptr) return;
  series->total.Observe(Seconds(total));
  series->queued.Observe(Seconds(queued));
  series->computed.Observe(Seconds(computed));
}

void Metrics::ObserveBatch(std::int64_t rows) {
  if (ModelSeries* series = impl_->series) series->batch.Observe(static_cast<double>(rows));
}

void Metrics::CountRejected(const char* reason) {
  ModelSeries* series = impl_->series;
  if (series == nullptr) return;
  const std::string_view name = reason;
  if (name == "queue_full") series->queue_full.Increment();
  if (name == "expired") series->expired.Increment();
  if (name == "cancelled") series->cancelled.Increment();
}

void Metrics::SetReady(bool ready) { impl_->ready.Set(ready ? 1 : 0); }
void Metrics::SetConnections(std::int64_t n) { impl_->connections.Set(static_cast<double>(n)); }
void Metrics::SetQueued(std::size_t jobs) { impl_->jobs.Set(static_cast<double>(jobs)); }

void Metrics::SetSpans(std::uint64_t sent, std::uint64_t dropped, std::uint64_t failed) {
  std::lock_guard lock(impl_->mutex);
  const auto raise = [](prometheus::Counter& counter, std::uint64_t total) {
    counter.Increment(static_cast<double>(total) - counter.Value());
  };
  raise(impl_->spans_sent, sent);
  raise(impl_->spans_dropped, dropped);
  raise(impl_->spans_failed, failed);
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock::serve
