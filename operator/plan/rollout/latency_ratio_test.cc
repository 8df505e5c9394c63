#include "operator/plan/rollout/latency_ratio.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace penstock::rollout {
namespace {

// As the routers have them: 100 us times 1.25^i.
std::vector<double> Bounds() {
  std::vector<double> bounds;
  for (double b = 1e-4; bounds.size() < 61; b *= 1.25) bounds.push_back(b);
  return bounds;
}

struct Load {
  std::mt19937_64 random{5};
  std::vector<double> bounds = Bounds();

  Histogram Answers(int n, double median, double spread) {
    std::lognormal_distribution<double> latency(std::log(median), spread);
    Histogram h(bounds.size() + 1, 0);
    for (int i = 0; i < n; ++i)
      ++h[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), latency(random)) -
                                   bounds.begin())];
    return h;
  }
};

TEST(Quantile, IsInterpolatedWithinItsBucket) {
  const std::vector<double> bounds{1, 2, 4};
  EXPECT_DOUBLE_EQ(Quantile(bounds, {10, 0, 0, 0}, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(Quantile(bounds, {0, 0, 10, 0}, 0.5), 2 * std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(Quantile(bounds, {0, 0, 0, 3}, 0.5), 4);
  EXPECT_DOUBLE_EQ(Quantile(bounds, {0, 0, 0, 0}, 0.5), 0);
}

TEST(LatencyRatio, FindsACandidateTwiceAsSlowWithinAboutFifteenSlices) {
  Load load;
  LatencyRatio ratio(0.95, {1.2});
  while (!ratio.Above(1.2, 0.001) && ratio.Slices() < 100)
    ratio.Add(load.bounds, load.Answers(900, 0.01, 0.4), load.Answers(100, 0.02, 0.4));
  EXPECT_LE(ratio.Slices(), 16);
  EXPECT_FALSE(ratio.Below(1.2, 0.001));
}

TEST(LatencyRatio, FindsAnEqualCandidateWithinTheBound) {
  Load load;
  LatencyRatio ratio(0.95, {1.2});
  while (!ratio.Below(1.2, 0.001) && ratio.Slices() < 400)
    ratio.Add(load.bounds, load.Answers(900, 0.01, 0.4), load.Answers(300, 0.01, 0.4));
  EXPECT_LE(ratio.Slices(), 100);
  EXPECT_FALSE(ratio.Above(1.2, 0.001));
}

// All answers of both within one bucket: what a fast model on an idle machine looks like.
TEST(LatencyRatio, FindsAnEqualCandidateWhoseAnswersAllTakeTheSameTime) {
  Load load;
  LatencyRatio ratio(0.95, {1.2});
  while (!ratio.Below(1.2, 0.001) && ratio.Slices() < 400)
    ratio.Add(load.bounds, load.Answers(500, 0.0102, 1e-9), load.Answers(500, 0.0102, 1e-9));
  EXPECT_LT(ratio.Slices(), 100);
  EXPECT_FALSE(ratio.Above(1.2, 0.001));
}

// Load that doubles latency for a while is felt by both: it is no difference.
TEST(LatencyRatio, IsNotMovedByMinutesThatAreSlowForBoth) {
  Load load;
  int wrong = 0;
  for (int rollout = 0; rollout < 100; ++rollout) {
    LatencyRatio ratio(0.95, {1.0});
    for (int slice = 0; slice < 60; ++slice) {
      const double median = slice / 10 % 2 == 0 ? 0.01 : 0.05;
      ratio.Add(load.bounds, load.Answers(190, median, 0.4), load.Answers(20, median, 0.4));
    }
    wrong += ratio.Above(1.0, 0.01) ? 1 : 0;
  }
  EXPECT_LE(wrong, 4);
}

TEST(LatencyRatio, TakesOneBurstOfManySlowAnswersForOneObservation) {
  Load load;
  LatencyRatio ratio(0.95, {1.2});
  for (int slice = 0; slice < 5; ++slice)
    ratio.Add(load.bounds, load.Answers(500, 0.01, 0.4), load.Answers(500, 0.01, 0.4));
  ratio.Add(load.bounds, load.Answers(500, 0.01, 0.4), load.Answers(500, 1, 0.4));
  EXPECT_FALSE(ratio.Above(1.2, 0.01));
}

TEST(LatencyRatio, BeginsAnewWithOtherBoundsAndIgnoresWhatDoesNotFit) {
  Load load;
  LatencyRatio ratio(0.95, {1.2});
  ratio.Add(load.bounds, load.Answers(10, 0.01, 0.4), load.Answers(10, 0.01, 0.4));
  EXPECT_EQ(ratio.Slices(), 0);  // the first gives the threshold
  ratio.Add({1, 2}, {1, 2, 3}, {1, 2, 3});
  EXPECT_EQ(ratio.Slices(), 0);
  ratio.Add({1, 2}, {1, 2, 3}, {1, 2, 3});
  ratio.Add({1, 2}, {1, 2, 3}, {1, 2});
  EXPECT_EQ(ratio.Slices(), 1);
}

}  // namespace
}  // namespace penstock::rollout
