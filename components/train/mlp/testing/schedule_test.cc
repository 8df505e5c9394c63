#include "components/train/mlp/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "components/train/mlp/testing/tables.h"

namespace penstock::train {
namespace {

TEST(OneCycle, RisesForAQuarterAndFallsToNearlyNothing) {
  EXPECT_NEAR(OneCycle(0, 1).rate, 1.0 / 25, 1e-12);
  EXPECT_NEAR(OneCycle(0.25, 1).rate, 1, 1e-12);
  EXPECT_NEAR(OneCycle(0.625, 1).rate, (1 + 1e-5) / 2, 1e-12);
  EXPECT_NEAR(OneCycle(1, 1).rate, 1e-5, 1e-12);
  EXPECT_NEAR(OneCycle(0, 1).momentum, 0.95, 1e-12);
  EXPECT_NEAR(OneCycle(0.25, 1).momentum, 0.85, 1e-12);
  EXPECT_NEAR(OneCycle(1, 1).momentum, 0.95, 1e-12);
}

TEST(LearningRateFinder, GrowsFromTinyToHuge) {
  EXPECT_NEAR(FinderRate(0), 1e-7, 1e-15);
  EXPECT_NEAR(FinderRate(kFinderSteps - 1), 10, 1e-9);
}

TEST(LearningRateFinder, PointsIntoTheLongestDescent) {
  EXPECT_EQ(Valley(std::vector<double>{7, 7, 7}), 0U);
  std::vector<double> losses(10, 9);  // flat, then 20 down, then up
  for (int i = 0; i < 20; ++i) losses.push_back(8 - 0.1 * i);
  for (int i = 0; i < 5; ++i) losses.push_back(20);
  const std::size_t at = Valley(losses);
  EXPECT_GE(at, 10U + 5);
  EXPECT_LE(at, 10U + 13);
}

// A rate that is given is used as it is, and the finder leaves no trace: the same bits come out.
TEST(LearningRateFinder, RestoresTheWeightsAndTheOptimiser) {
  const auto table = Xor(300, 1);
  MlpOptions options;
  options.epochs = 3;
  const auto context = ContextOf(table, Classes(2));
  const auto fit = [&](const MlpOptions& own) {
    const auto learner = MakeMlp(own);
    const auto trials = learner->Try(table.rows(), table.rows(), context);
    EXPECT_TRUE(trials) << trials.error().message;
    return learner->Fit(table.rows(), (*trials)[0].setting, 3, context).value();
  };
  const auto found = fit(options);
  const double rate = found->Describe()["learningRate"];
  EXPECT_GT(rate, 1e-5);
  EXPECT_LT(rate, 0.2);
  options.learning_rate = rate;
  EXPECT_EQ(fit(options)->Answer(table.x).value(), found->Answer(table.x).value());
  options.learning_rate = rate / 2;
  EXPECT_NE(fit(options)->Answer(table.x).value(), found->Answer(table.x).value());
}

}  // namespace
}  // namespace penstock::train
