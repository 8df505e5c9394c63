// The server's Prometheus metrics. Thread-safe. Every series that can be known beforehand is there
// with 0 from the start, so that a rate over it is never absent.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace penstock::serve {

class Metrics {
 public:
  using Duration = std::chrono::steady_clock::duration;

  Metrics();
  ~Metrics();

  void CountRequest(const char* operation, int status);
  void ObserveInference(Duration total, Duration queued, Duration computed);
  void ObserveBatch(std::int64_t rows);
  void CountRejected(const char* reason);  // queue_full, expired, cancelled
  // From now on the series of inference carry this model and version; those of computed requests
  // begin here. Once, before the first inference.
  void NameModel(const std::string& name, const std::string& version);
  void SetReady(bool ready);
  void SetConnections(std::int64_t connections);
  void SetQueued(std::size_t jobs);
  // Spans of traces since the start.
  void SetSpans(std::uint64_t sent, std::uint64_t dropped, std::uint64_t failed);

  // The text exposition format.
  [[nodiscard]] std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::serve
