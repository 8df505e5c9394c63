// Whole rollouts, simulated: tests/bench prints the same of ten thousand.
#include "operator/plan/rollout/testing/simulation.h"

#include <gtest/gtest.h>

namespace penstock::rollout {
namespace {

struct Ends {
  int promoted = 0;
  int rolled_back = 0;
  std::vector<double> samples;  // of those rolled back
  std::string why;
};

Ends Roll(const SimulatedTraffic& traffic, int rollouts) {
  Ends ends;
  const api::RolloutSpec spec = SimulatedSpec();
  for (int i = 0; i < rollouts; ++i) {
    const SimulatedEnd end = SimulatedRollout(spec, traffic, 1'000 + i).Run();
    ends.promoted += end.move == Move::kPromote ? 1 : 0;
    ends.rolled_back += end.move == Move::kRollBack ? 1 : 0;
    if (end.move != Move::kRollBack) continue;
    ends.samples.push_back(static_cast<double>(end.samples));
    ends.why = end.why;
  }
  return ends;
}

TEST(SimulatedRollouts, OfAnEqualVersionArePromoted) {
  SimulatedTraffic traffic;
  traffic.requests_a_second = 400;
  traffic.slow_minutes = 0.2;
  const Ends ends = Roll(traffic, 100);
  EXPECT_LE(ends.rolled_back, 1) << ends.why;
  EXPECT_GE(ends.promoted, 95);
}

TEST(SimulatedRollouts, OfAVersionWithTwiceTheAllowedErrorsAreRolledBack) {
  SimulatedTraffic traffic;
  traffic.candidate.errors = 0.02;
  const Ends ends = Roll(traffic, 100);
  EXPECT_GE(ends.rolled_back, 99);
  EXPECT_NE(ends.why.find("errorRate is "), std::string::npos) << ends.why;
}

TEST(SimulatedRollouts, OfAVersionHalfAgainAsSlowAreRolledBack) {
  SimulatedTraffic traffic;
  traffic.candidate.median = 0.015;
  const Ends ends = Roll(traffic, 30);
  EXPECT_GE(ends.rolled_back, 29);
  EXPECT_NE(ends.why.find("latencyP95 is "), std::string::npos) << ends.why;
}

TEST(SimulatedRollouts, OfAVersionThatRefusesWhatStableAnswersAreRolledBack) {
  SimulatedTraffic traffic;
  traffic.candidate.refusals = 0.06;
  const Ends ends = Roll(traffic, 30);
  EXPECT_GE(ends.rolled_back, 29);
}

}  // namespace
}  // namespace penstock::rollout
