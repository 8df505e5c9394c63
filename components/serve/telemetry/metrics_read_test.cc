// The server's metrics as the operator's gates read them: the two know each other by text alone.
#include <gtest/gtest.h>

#include <numeric>

#include "components/serve/telemetry/exposition.h"
#include "components/serve/telemetry/metrics.h"
#include "operator/rollouts/servers_measure.h"

namespace penstock::serve {
namespace {

TEST(Metrics, AreReadByTheGatesOfARollout) {
  Metrics metrics;
  metrics.NameModel("flights", "8");
  using std::chrono::microseconds;
  for (int i = 0; i < 10; ++i)
    metrics.ObserveInference(microseconds(3'000), microseconds(20), microseconds(2'700));
  const std::string text =
      metrics.Text() + Expose("penstock_serve_drift_psi", FamilyType::kGauge, "Help.",
                              {{0.25, {{"kind", "input"}, {"column", "a \"b\""}}}});
  const auto fact = rollouts::ReadServer(text, "flights", 8);
  ASSERT_TRUE(fact) << text;
  ASSERT_EQ(fact->queue.size(), fact->bounds.size() + 1);
  EXPECT_EQ(fact->queue[0], 10);  // at most 50 us
  std::size_t bucket = 0;
  while (fact->bounds[bucket] < 0.0027) ++bucket;
  EXPECT_EQ(fact->compute[bucket], 10);
  EXPECT_EQ(std::accumulate(fact->compute.begin(), fact->compute.end(), std::int64_t{0}), 10);
  EXPECT_EQ(fact->drift.at("input a \"b\""), 0.25);
  for (std::size_t i = 1; i < fact->bounds.size(); ++i)
    EXPECT_LT(fact->bounds[i] / fact->bounds[i - 1], 1.3) << "a ratio is known to within a bucket";
}

TEST(Metrics, OfNoAnswerYetAreReadAsNone) {
  Metrics metrics;
  metrics.NameModel("flights", "8");
  const auto fact = rollouts::ReadServer(metrics.Text(), "flights", 8);
  ASSERT_TRUE(fact);
  EXPECT_EQ(std::accumulate(fact->queue.begin(), fact->queue.end(), std::int64_t{0}), 0);
}

}  // namespace
}  // namespace penstock::serve
