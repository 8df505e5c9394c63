// What became of the requests of one version of one ModelDeployment, cumulative since it was first
// seen. Each worker writes a shard of its own without locks or shared cache lines; readers add the
// shards up. Rare things (refusals by kind) stand behind a mutex.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "components/router/routing/request_route.h"

namespace penstock::router {

// Upper bounds of the latency buckets in seconds: 100 us times 1.25^i, the last above 60 s; one
// more bucket holds what is beyond.
inline constexpr std::size_t kLatencyBounds = 61;
[[nodiscard]] const std::array<double, kLatencyBounds>& LatencyBounds();

// Written by one thread, read by any.
class Counter {
 public:
  void Add(std::int64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// How a request ended, as the version's doing. One whose client went away counts in none of them.
struct Finished {
  RouteKind route = RouteKind::kOther;
  int status = 0;          // of the answer; 0: none came
  bool timed_out = false;  // no answer within the deployment's time
  double seconds = 0;      // from the request sent to the answer's head; below 0: none came
};

struct VersionTotals {
  std::int64_t requests = 0;       // finished, but for those whose client went
  std::int64_t ok = 0;             // 1xx to 3xx
  std::int64_t server_errors = 0;  // 5xx, and answers that broke off or never began
  std::int64_t timeouts = 0;
  std::int64_t client_gone = 0;
  std::int64_t retries = 0;
  double busy_seconds = 0;  // sum of the time that servers worked on requests
  std::int64_t probes = 0;  // of `requests`: health probes and scrapes, which nobody waits for
  std::map<std::string, std::int64_t> client_errors = {};  // "infer:400"
  std::array<std::int64_t, kRouteKinds> ok_by_route{};
  std::array<std::int64_t, kLatencyBounds + 1> latency{};
  [[nodiscard]] std::int64_t ClientErrors() const;
};

class VersionStatistics {
 public:
  explicit VersionStatistics(std::size_t workers);

  void Finish(std::size_t worker, const Finished& how);
  void ClientGone(std::size_t worker) { shards_[worker].client_gone.Add(); }
  void Retry(std::size_t worker) { shards_[worker].retries.Add(); }
  [[nodiscard]] VersionTotals Totals() const;

  // The requests under way over time, as LoadSampler sees them; one thread.
  void Sampled(double in_flight_seconds) {
    in_flight_seconds_.store(in_flight_seconds_.load(std::memory_order_relaxed) + in_flight_seconds,
                             std::memory_order_relaxed);
  }
  [[nodiscard]] double in_flight_seconds() const {
    return in_flight_seconds_.load(std::memory_order_relaxed);
  }

 private:
  struct alignas(64) Shard {
    Counter requests, ok, server_errors, timeouts, client_gone, retries, busy_microseconds, probes;
    std::array<Counter, kRouteKinds> ok_by_route;
    std::array<Counter, kLatencyBounds + 1> latency;
  };

  std::vector<Shard> shards_;
  std::atomic<double> in_flight_seconds_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> client_errors_;  // guarded by mutex_
};

}  // namespace penstock::router
