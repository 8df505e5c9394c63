#include "operator/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "operator/base/error.h"

namespace penstock::runtime {

using prometheus::Histogram;

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& reconciles = prometheus::BuildCounter()
                                                            .Name("penstock_reconcile_total")
                                                            .Help("Reconciles by their outcome")
                                                            .Register(registry);
  prometheus::Family<Histogram>& times = prometheus::BuildHistogram()
                                             .Name("penstock_reconcile_time_seconds")
                                             .Help("Time of a reconcile")
                                             .Register(registry);
  prometheus::Family<prometheus::Counter>& writes =
      prometheus::BuildCounter()
          .Name("penstock_api_writes_total")
          .Help("Writes to the API server, events included")
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
  prometheus::Counter& dropped = prometheus::BuildCounter()
                                     .Name("penstock_events_dropped_total")
                                     .Help("Events that the rate limit held back")
                                     .Register(registry)
                                     .Add({});
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
  // The names that the engine gives its workers.
  for (const char* controller : {"pipeline", "run", "modeldeployment"}) {
    for (const char* result : {"success", "requeue"})
      impl_->reconciles.Add({{"controller", controller}, {"result", result}});
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind)
      impl_->reconciles.Add(
          {{"controller", controller}, {"result", Name(static_cast<ErrorKind>(kind))}});
  }
}
Metrics::~Metrics() = default;

void Metrics::Reconciled(const std::string& controller, std::chrono::nanoseconds took,
                         const std::string& result) {
  impl_->reconciles.Add({{"controller", controller}, {"result", result}}).Increment();
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

void Metrics::Leading(bool yes) { impl_->leader.Set(yes ? 1 : 0); }
void Metrics::EventDropped() { impl_->dropped.Increment(); }

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace penstock::runtime
