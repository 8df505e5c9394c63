#include "components/evaluate/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace penstock::evaluate {
namespace {

// Rows whose labels are true with `truth(p)` where p is answered.
template <typename Truth>
Scored Drawn(unsigned seed, int rows, const Truth& truth, double power = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  Scored scored;
  scored.manifest.classes = {false, true};
  for (int i = 0; i < rows; ++i) {
    const double p = std::pow(uniform(random), power);
    scored.raw.push_back(float(p));
    scored.labels.push_back(uniform(random) < truth(double(float(p))) ? 1.0F : 0.0F);
  }
  return scored;
}

int HoldsZero(int draws, int rows, double confidence, double power) {
  int holds = 0;
  for (int draw = 0; draw < draws; ++draw) {
    const auto scored = Drawn(
        unsigned(draw), rows, [](double p) { return p; }, power);
    holds += CalibrationOf(scored, confidence).error.interval->low == 0 ? 1 : 0;
  }
  return holds;
}

TEST(Calibration, HoldsZeroForRightProbabilitiesAboutAsOftenAsItsConfidenceSays) {
  EXPECT_GE(HoldsZero(200, 400, 0.95, 1), 180);
  const int of_80 = HoldsZero(200, 400, 0.8, 1);
  EXPECT_GE(of_80, 145);
  EXPECT_LE(of_80, 182);                        // and not always
  EXPECT_GE(HoldsZero(100, 300, 0.95, 6), 90);  // probabilities that crowd near 0
}

TEST(Calibration, DoesNotHoldZeroForProbabilitiesThatAreWrong) {
  const auto scored = Drawn(1, 2000, [](double p) { return p * 0.7; });
  const Calibration c = CalibrationOf(scored, 0.95);
  EXPECT_GT(c.error.interval->low, 0.05);
  // The true error is the mean of 0.3 p: 0.15.
  EXPECT_LT(c.error.interval->low, 0.15);
  EXPECT_GT(c.error.interval->high, 0.15);
}

TEST(Calibration, FindsSlopeAndInterceptOfRightProbabilities) {
  int slopes = 0, intercepts = 0;
  for (unsigned draw = 0; draw < 100; ++draw) {
    const Calibration c = CalibrationOf(Drawn(draw, 500, [](double p) { return p; }), 0.95);
    slopes += c.slope->interval.low <= 1 && 1 <= c.slope->interval.high ? 1 : 0;
    intercepts += c.intercept->interval.low <= 0 && 0 <= c.intercept->interval.high ? 1 : 0;
  }
  EXPECT_GE(slopes, 88);
  EXPECT_GE(intercepts, 88);
  const auto overconfident = Drawn(3, 5000, [](double p) {
    const double logit = std::log(p / (1 - p));
    return 1 / (1 + std::exp(-(0.5 * logit - 0.4)));
  });
  const Calibration c = CalibrationOf(overconfident, 0.95);
  EXPECT_NEAR(c.slope->value, 0.5, 0.06);
  EXPECT_NEAR(c.intercept->value, -0.4, 0.1);
}

TEST(Calibration, HasNoSlopeWhereThereIsNone) {
  Scored separated;
  separated.manifest.classes = {false, true};
  for (int i = 0; i < 60; ++i) {
    separated.raw.push_back(i < 30 ? 0.2F : 0.8F);
    separated.labels.push_back(i < 30 ? 0.0F : 1.0F);
  }
  EXPECT_FALSE(CalibrationOf(separated, 0.95).slope);
  Scored one = separated;
  one.labels.assign(60, 1);
  EXPECT_FALSE(CalibrationOf(one, 0.95).slope);
  Scored equal = separated;
  equal.raw.assign(60, 0.5F);
  const Calibration c = CalibrationOf(equal, 0.95);
  EXPECT_FALSE(c.slope);
  EXPECT_EQ(c.bins.size(), 1U);  // equal answers stay together
  EXPECT_NEAR(c.error.value, 0, 1e-12);
}

// The rows that crowd at one answer fill several bins' share; what follows them is no bin of one.
TEST(Calibration, HasNoBinOfASingleRowBehindManyEqualAnswers) {
  Scored scored;
  scored.manifest.classes = {false, true};
  for (int i = 0; i < 300; ++i) {
    scored.raw.push_back(i < 200 ? 0.1F : 0.2F + 0.005F * float(i - 200));
    scored.labels.push_back(i % 3 == 0 ? 1.0F : 0.0F);
  }
  const Calibration c = CalibrationOf(scored, 0.95);
  ASSERT_EQ(c.bins.size(), 6U);
  EXPECT_EQ(c.bins.front().rows, 200);
  for (const auto& bin : c.bins) EXPECT_GE(bin.rows, 20);
}

TEST(Calibration, IsNoSurerWhereAllWeightsAreTenTimesAsLarge) {
  auto scored = Drawn(4, 300, [](double p) { return p; });
  const auto plain = CalibrationOf(scored, 0.95);
  scored.weights.assign(300, 10);
  const auto weighted = CalibrationOf(scored, 0.95);
  EXPECT_NEAR(weighted.slope->interval.low, plain.slope->interval.low, 1e-9);
  EXPECT_NEAR(weighted.intercept->interval.high, plain.intercept->interval.high, 1e-9);
  EXPECT_NEAR(weighted.error.interval->high, plain.error.interval->high, 1e-9);
}

TEST(Calibration, GivesARegressionItsSlope) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  Scored scored;
  scored.manifest.task = sdk::ModelTask::kRegression;
  for (int i = 0; i < 1000; ++i) {
    const double answer = 10 + 3 * normal(random);
    scored.raw.push_back(float(answer));
    scored.labels.push_back(float(2 + 0.8 * answer + normal(random)));
    scored.exact.push_back(double(scored.labels.back()));
  }
  const Calibration c = CalibrationOf(scored, 0.95);
  EXPECT_NEAR(c.slope->value, 0.8, 0.05);
  EXPECT_NEAR(c.intercept->value, 2, 0.5);
  EXPECT_LT(c.slope->interval.high, 1);
  EXPECT_FALSE(c.error.defined());
  EXPECT_EQ(c.bins.size(), 15U);
}

TEST(Calibration, TakesAWeightOfTwoForTwoRows) {
  auto weighted = Drawn(8, 300, [](double p) { return p; });
  Scored twice = weighted;
  weighted.weights.assign(300, 1);
  for (int i = 0; i < 100; ++i) {
    weighted.weights[std::size_t(i)] = 2;
    twice.raw.push_back(twice.raw[std::size_t(i)]);
    twice.labels.push_back(twice.labels[std::size_t(i)]);
  }
  const auto a = CalibrationOf(weighted, 0.95);
  const auto b = CalibrationOf(twice, 0.95);
  EXPECT_NEAR(a.slope->value, b.slope->value, 1e-9);
  EXPECT_NEAR(a.intercept->value, b.intercept->value, 1e-9);
}

}  // namespace
}  // namespace penstock::evaluate
