// Tracer: decides which requests are traced and sends their spans to a collector. Thread-safe; End
// never blocks: spans wait in a bounded queue for a thread of its own, and what does not fit is
// dropped and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "components/serve/telemetry/trace.h"
#include "operator/base/result.h"

namespace penstock::serve {

class Tracer {
 public:
  struct Options {
    std::string service = {};
    std::string version = {};
    double ratio = 0.01;             // of requests that come without a traceparent
    std::size_t queue_limit = 2048;  // spans
    std::size_t batch = 512;
    std::chrono::milliseconds interval{1000};  // how long spans may wait for a batch to fill
  };
  // Sends one OTLP body; may take its time.
  using Send = std::function<Result<void>(const std::string& body)>;

  Tracer(Options options, Send send);
  ~Tracer();  // sends what waits, once
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Nothing when the request is not traced. The caller's decision holds where there is one.
  [[nodiscard]] std::optional<TraceContext> Begin(std::string_view traceparent) const;
  void End(const TraceContext& context, const TracedRequest& request);

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // the queue was full
  [[nodiscard]] std::uint64_t failed() const { return failed_; }  // the collector did not take them

 private:
  void Work();

  const Options options_;
  const Send send_;
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Span> waiting_;  // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock::serve
