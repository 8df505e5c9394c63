#include "components/evaluate/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "components/evaluate/bootstrap.h"

namespace penstock::evaluate {
namespace {

Scored Binary(unsigned seed, int rows, double apart) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Scored scored;
  scored.manifest.classes = {false, true};
  for (int i = 0; i < rows; ++i) {
    const bool positive = i % 2 == 0;
    scored.labels.push_back(positive ? 1 : 0);
    scored.raw.push_back(float(1 / (1 + std::exp(-normal(random) - (positive ? apart : -apart)))));
  }
  return scored;
}

TEST(MeasureScored, GivesIntervalsToWhatHasNoFormula) {
  const Scored scored = Binary(1, 300, 0.7);
  const auto metrics = MeasureScored(scored, {});
  for (const char* name : {"auc", "averagePrecision", "mcc", "balancedAccuracy"}) {
    const auto& m = metrics.at(name);
    ASSERT_TRUE(m.interval) << name;
    EXPECT_LT(m.interval->low, m.value) << name;
    EXPECT_GT(m.interval->high, m.value) << name;
  }
  EXPECT_EQ(ToJson(metrics), ToJson(MeasureScored(scored, {})));
}

// In about 95 of 100 draws.
TEST(MeasureScored, GivesBootstrapIntervalsThatCoverTheTruth) {
  // mcc of two normals 1.4 apart cut in the middle: 2 Phi(0.7) - 1.
  const double truth = std::erf(0.7 / std::sqrt(2.0));
  int covered = 0;
  for (unsigned draw = 0; draw < 100; ++draw) {
    const auto m = MeasureScored(Binary(50 + draw, 200, 0.7), {}, {}, 200 * 200).at("mcc");
    covered += m.interval->low <= truth && truth <= m.interval->high ? 1 : 0;
  }
  EXPECT_GE(covered, 88);
  EXPECT_LE(covered, 99);
}

TEST(MeasureScored, GivesAWeightedAucAnInterval) {
  Scored scored = Binary(2, 200, 0.5);
  for (int i = 0; i < 200; ++i) scored.weights.push_back(1 + i % 3);
  const auto auc = MeasureScored(scored, {}).at("auc");
  ASSERT_TRUE(auc.interval);
  EXPECT_LT(auc.interval->low, auc.value);
}

TEST(MeasureScored, DrawsNothingBeyondItsBudget) {
  const Scored scored = Binary(1, 300, 0.7);
  EXPECT_FALSE(MeasureScored(scored, {}, {}, 300 * (kLeastResamples - 1)).at("mcc").interval);
  EXPECT_TRUE(MeasureScored(scored, {}, {}, 300 * kLeastResamples).at("mcc").interval);
}

// Each class is ranked against the rest in each resample: a hundred of them cost 25 times as much.
TEST(MeasureScored, DrawsLessOftenOfManyClasses) {
  Scored scored;
  scored.manifest.classes = {0, 1, 2, 3, 4, 5, 6, 7};
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    scored.labels.push_back(float(i % 8));
    for (int c = 0; c < 8; ++c) {
      scored.raw.push_back(c == i % 8 ? 0.4F : float(random() % 100) / 200);
    }
  }
  const double budget = 300.0 * kLeastResamples;
  EXPECT_FALSE(MeasureScored(scored, {}, {}, budget).at("mcc").interval);
  EXPECT_TRUE(MeasureScored(scored, {}, {}, 2 * budget).at("macroAuc").defined());
  EXPECT_TRUE(MeasureScored(scored, {}, {}, 2 * budget).at("mcc").interval);
}

TEST(Resample, DrawsAsManyRowsAsThereAre) {
  double all = 0;
  for (const double count : Resample(1000, 3)) all += count;
  EXPECT_EQ(all, 1000);
  EXPECT_NE(Resample(50, 1), Resample(50, 2));
  EXPECT_EQ(Resample(50, 1), Resample(50, 1));
}

TEST(MeasureScored, CountsTheShareWithinATolerance) {
  Scored scored;
  scored.manifest.task = sdk::ModelTask::kRegression;
  scored.exact = {10, 10, -10, 0};
  for (const double y : scored.exact) scored.labels.push_back(float(y));
  scored.raw = {11, 12, -11, 0.5F};
  MeasureOptions options;
  options.within = 1;
  options.within_percent = 10;
  const auto metrics = MeasureScored(scored, options);
  EXPECT_EQ(metrics.at("within").value, 0.75);        // the bound counts
  EXPECT_EQ(metrics.at("withinPercent").value, 0.5);  // 10 % of 0 is nothing
  EXPECT_EQ(metrics.at("within").rows, 4);
  EXPECT_TRUE(metrics.at("within").interval);
  const std::vector<std::uint32_t> some = {1, 2};
  EXPECT_EQ(MeasureScored(scored, options, some).at("within").value, 0.5);
  EXPECT_EQ(MeasureScored(scored, options, some).at("within").rows, 2);
  scored.weights = {1, 5, 1, 1};
  EXPECT_EQ(MeasureScored(scored, options).at("within").value, 3.0 / 8);
  scored.weights = {1, 0, 0, 1};
  EXPECT_FALSE(MeasureScored(scored, options, some).at("within").defined());
}

TEST(Report, LeavesOutAConfusionMatrixOfThousandsOfClasses) {
  Scored scored;
  for (std::size_t c = 0; c <= kMostConfused; ++c) scored.manifest.classes.push_back(c);
  scored.labels = {0, 1};
  scored.raw.assign(2 * scored.manifest.classes.size(), 0.0F);
  EXPECT_FALSE(Report(scored, {}, 1, {}, 0.95).contains("confusion"));
  scored.manifest.classes.pop_back();
  scored.raw.assign(2 * scored.manifest.classes.size(), 0.0F);
  EXPECT_EQ(Report(scored, {}, 1, {}, 0.95)["confusion"]["counts"][0][0], 1);
}

TEST(LinesOf, WeighsTheConstantAnswer) {
  Scored scored;
  scored.manifest.classes = {"a", "b", "c"};
  scored.labels = {0, 1, 1, 2};
  scored.raw.assign(12, 1.0F / 3);
  scored.weights = {6, 1, 1, 1};
  const Lines lines = LinesOf(scored, "accuracy");
  EXPECT_NEAR(*lines.dummy, 6.0 / 9, 1e-12);  // "a" weighs most
  EXPECT_EQ(*lines.ceiling, 1);
}

TEST(LinesOf, SaysWhatFloat32LeavesOfTheLabels) {
  Scored scored;
  scored.manifest.task = sdk::ModelTask::kRegression;
  scored.exact = {16777217, 16777219};  // beyond float32
  for (const double y : scored.exact) scored.labels.push_back(float(y));
  scored.raw = scored.labels;
  EXPECT_EQ(*LinesOf(scored, "rmse").ceiling, 1);
}

}  // namespace
}  // namespace penstock::evaluate
