#include "components/router/observe/statistics.h"

#include <algorithm>

namespace penstock::router {

namespace {

constexpr double kMicro = 1e6;
constexpr double kFirstBound = 100e-6;
constexpr double kGrowth = 1.25;

}  // namespace

const std::array<double, kLatencyBounds>& LatencyBounds() {
  static const std::array<double, kLatencyBounds> kBounds = [] {
    std::array<double, kLatencyBounds> all{};
    double bound = kFirstBound;
    for (double& one : all) {
      one = bound;
      bound *= kGrowth;
    }
    return all;
  }();
  return kBounds;
}

std::int64_t VersionTotals::ClientErrors() const {
  std::int64_t sum = 0;
  for (const auto& [key, count] : client_errors) sum += count;
  return sum;
}

VersionStatistics::VersionStatistics(std::size_t workers) : shards_(workers) {}

void VersionStatistics::Finish(std::size_t worker, const Finished& how) {
  Shard& shard = shards_[worker];
  shard.requests.Add();
  if (how.route == RouteKind::kHealth) shard.probes.Add();
  if (how.timed_out) {
    shard.timeouts.Add();
  } else if (how.status >= 500 || how.status == 0) {
    shard.server_errors.Add();
  } else if (how.status >= 400) {
    std::lock_guard lock(mutex_);
    ++client_errors_[std::string(Name(how.route)) + ":" + std::to_string(how.status)];
  } else {
    shard.ok.Add();
    shard.ok_by_route[static_cast<std::size_t>(how.route)].Add();
  }
  if (how.seconds < 0) return;
  shard.busy_microseconds.Add(static_cast<std::int64_t>(how.seconds * kMicro));
  const auto& bounds = LatencyBounds();
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), how.seconds) - bounds.begin();
  shard.latency[static_cast<std::size_t>(bucket)].Add();
}

VersionTotals VersionStatistics::Totals() const {
  VersionTotals totals;
  for (const Shard& shard : shards_) {
    totals.requests += shard.requests.value();
    totals.ok += shard.ok.value();
    totals.server_errors += shard.server_errors.value();
    totals.timeouts += shard.timeouts.value();
    totals.client_gone += shard.client_gone.value();
    totals.retries += shard.retries.value();
    totals.probes += shard.probes.value();
    totals.busy_seconds += static_cast<double>(shard.busy_microseconds.value()) / kMicro;
    for (std::size_t i = 0; i < kRouteKinds; ++i)
      totals.ok_by_route[i] += shard.ok_by_route[i].value();
    for (std::size_t i = 0; i <= kLatencyBounds; ++i) totals.latency[i] += shard.latency[i].value();
  }
  std::lock_guard lock(mutex_);
  totals.client_errors = client_errors_;
  return totals;
}

}  // namespace penstock::router
