#include "components/router/observe/statistics.h"

#include <gtest/gtest.h>

#include <thread>

namespace penstock::router {
namespace {

TEST(Statistics, AddUpOverWorkers) {
  VersionStatistics statistics(2);
  std::vector<std::thread> workers;
  for (std::size_t w = 0; w < 2; ++w) {
    workers.emplace_back([&statistics, w] {
      for (int i = 0; i < 1'000; ++i) {
        statistics.Finish(w, {RouteKind::kInfer, 200, false, 0.001});
        statistics.Finish(w, {RouteKind::kInfer, 400, false, 0.001});
      }
      statistics.Finish(w, {RouteKind::kInfer, 500, false, 0.5});
      statistics.Finish(w, {RouteKind::kInfer, 0, true, -1});
      statistics.Finish(w, {RouteKind::kInfer, 0, false, -1});
    });
  }
  for (std::thread& worker : workers) worker.join();
  const VersionTotals totals = statistics.Totals();
  EXPECT_EQ(totals.requests, 4'006);
  EXPECT_EQ(totals.ok, 2'000);
  EXPECT_EQ(totals.client_errors.at("infer:400"), 2'000);
  EXPECT_EQ(totals.server_errors, 4);
  EXPECT_EQ(totals.timeouts, 2);
  EXPECT_EQ(totals.ok_by_route[0], 2'000);
  EXPECT_NEAR(totals.busy_seconds, 5.0, 0.01);
  std::int64_t latencies = 0;
  for (const auto count : totals.latency) latencies += count;
  EXPECT_EQ(latencies, 4'002);
}

// Who scrapes a model's metrics keeps none of its servers.
TEST(Statistics, TellProbesFromRequests) {
  VersionStatistics statistics(1);
  statistics.Finish(0, {RouteKind::kHealth, 200, false, 0.001});
  statistics.Finish(0, {RouteKind::kHealth, 404, false, 0.001});
  statistics.Finish(0, {RouteKind::kInfer, 200, false, 0.001});
  EXPECT_EQ(statistics.Totals().requests, 3);
  EXPECT_EQ(statistics.Totals().probes, 2);
}

TEST(Statistics, PutALatencyIntoTheFirstBucketThatHoldsIt) {
  VersionStatistics statistics(1);
  statistics.Finish(0, {RouteKind::kOther, 200, false, 0.0001});
  statistics.Finish(0, {RouteKind::kOther, 200, false, 0.00011});
  statistics.Finish(0, {RouteKind::kOther, 200, false, 1'000});
  const VersionTotals totals = statistics.Totals();
  EXPECT_EQ(totals.latency[0], 1);
  EXPECT_EQ(totals.latency[1], 1);
  EXPECT_EQ(totals.latency[kLatencyBounds], 1);
  EXPECT_GT(LatencyBounds()[kLatencyBounds - 1], 60.0);
}

}  // namespace
}  // namespace penstock::router
