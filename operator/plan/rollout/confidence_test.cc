#include "operator/plan/rollout/confidence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace penstock::rollout {
namespace {

TEST(RateInterval, HoldsNothingBackBeforeTheFirstRequest) {
  const Interval i = RateInterval(0, 0, 0.01);
  EXPECT_EQ(i.lower, 0);
  EXPECT_EQ(i.upper, 1);
}

// The ends are where the ratio is 1/alpha: put in by hand.
TEST(RateInterval, EndsWhereTheMixtureRatioReachesOneOverAlpha) {
  const Interval i = RateInterval(12, 400, 0.01);
  for (const double end : {i.lower, i.upper})
    EXPECT_NEAR(LogMixtureRatio(12, 400, end, {}), std::log(100), 1e-6);
  EXPECT_LT(i.lower, 0.03);
  EXPECT_GT(i.upper, 0.03);
}

// Beta(1/2, 1/2): B(1/2 + 1, 1/2) / B(1/2, 1/2) = 1/2, over 0.1.
TEST(LogMixtureRatio, IsTheKrichevskyTrofimovProbabilityOverTheLikelihood) {
  EXPECT_NEAR(LogMixtureRatio(1, 1, 0.1, {}), std::log(0.5 / 0.1), 1e-9);
  EXPECT_NEAR(LogMixtureRatio(0, 2, 0.5, {}), std::log(3.0 / 8 / 0.25), 1e-9);
}

TEST(RateInterval, OfNoErrorsEndsBelowOnePercentSoonerWithThePriorAroundIt) {
  EXPECT_LE(RateInterval(0, 900, 0.005, PriorAround(0.01)).upper, 0.01);
  EXPECT_GT(RateInterval(0, 700, 0.005, PriorAround(0.01)).upper, 0.01);
  EXPECT_LT(RateInterval(0, 900, 0.005, PriorAround(0.01)).upper,
            RateInterval(0, 900, 0.005).upper);
}

// However often one looks: the whole of 2,000 requests, looked at after each.
TEST(RateInterval, MissesTheTruthInAlphaOfAllSequencesAtMost) {
  std::mt19937_64 random(7);
  constexpr int kSequences = 400;
  int missed = 0;
  for (int s = 0; s < kSequences; ++s) {
    std::int64_t errors = 0;
    bool out = false;
    for (std::int64_t n = 1; n <= 2'000 && !out; ++n) {
      errors += random() % 100 < 3 ? 1 : 0;
      out = LogMixtureRatio(errors, n, 0.03, {}) >= std::log(20);
    }
    missed += out ? 1 : 0;
  }
  EXPECT_LE(missed, kSequences * 0.05 * 1.4);
  EXPECT_GT(missed, 0) << "an interval that never misses says nothing";
}

TEST(MeanInterval, IsUnboundedBelowAHundredValues) {
  EXPECT_EQ(MeanInterval(10, 2, 99, 0.01).upper, std::numeric_limits<double>::infinity());
  EXPECT_EQ(MeanInterval(10, 2, 99, 0.01).lower, -std::numeric_limits<double>::infinity());
}

// s = 1, n = 1000, alpha = 0.05: r^2 = (5.9915 + log 5.9915 + 1) / 1000 = 0.0087818, and so
// sqrt(2 * 9.7818 / 8781.8 * log(sqrt(9.7818) / 0.05)).
TEST(MeanInterval, HasTheWidthOfThePaper) {
  const Interval i = MeanInterval(0, 1'000, 1'000, 0.05);
  EXPECT_NEAR(i.upper, 0.09598, 1e-4);
  EXPECT_NEAR(i.lower, -0.09598, 1e-4);
}

TEST(MeanInterval, MissesTheTruthInAlphaOfAllSequencesAtMost) {
  std::mt19937_64 random(7);
  constexpr int kSequences = 400;
  int missed = 0;
  for (int s = 0; s < kSequences; ++s) {
    double sum = 0;
    double squares = 0;
    bool out = false;
    for (std::int64_t n = 1; n <= 2'000 && !out; ++n) {
      const double value = static_cast<double>(random() % 1'000'000) / 1e6;
      sum += value;
      squares += value * value;
      const Interval i = MeanInterval(sum, squares, n, 0.05);
      out = i.lower > 0.5 || i.upper < 0.5;
    }
    missed += out ? 1 : 0;
  }
  EXPECT_LE(missed, kSequences * 0.05 * 1.4);
  EXPECT_GT(missed, 0) << "an interval that never misses says nothing";
}

TEST(HypergeometricMidP, IsHalfInTheMiddleAndHasMeanOneHalf) {
  EXPECT_DOUBLE_EQ(HypergeometricMidP(1, 2, 2, 2), 0.5);
  EXPECT_NEAR(HypergeometricMidP(2, 2, 2, 2), 1.0 / 12, 1e-12);
  EXPECT_NEAR(HypergeometricMidP(0, 2, 2, 2), 11.0 / 12, 1e-12);
  EXPECT_DOUBLE_EQ(HypergeometricMidP(0, 7, 0, 9), 0.5);
  // Of 10 marked among 40 and 15 drawn: the sum of P(X = x) mid(x) with P from the binomials.
  double mean = 0;
  const auto log_choose = [](int n, int k) {
    return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  };
  for (int x = 0; x <= 10; ++x)
    mean += std::exp(log_choose(10, x) + log_choose(30, 15 - x) - log_choose(40, 15)) *
            HypergeometricMidP(x, 15, 10, 30);
  EXPECT_NEAR(mean, 0.5, 1e-9);
}

TEST(HypergeometricMidP, StaysExactFarOutOnLargeNumbers) {
  EXPECT_LT(HypergeometricMidP(600, 1'000, 5'000, 95'000), 1e-100);
  EXPECT_NEAR(HypergeometricMidP(0, 1'000, 50'000, 50'000), 1, 1e-12);
  EXPECT_NEAR(HypergeometricMidP(500, 1'000, 50'000, 50'000), 0.5, 1e-9);
}

TEST(Betting, GrowsByLittleMoreThanTwiceForASliceAndShrinksOnTheOtherSide) {
  Betting b;
  b.Add(0);
  EXPECT_LE(b.LogCapital(), std::log(2));
  EXPECT_GT(b.LogCapital(), std::log(1.5));
  Betting against;
  for (int i = 0; i < 50; ++i) against.Add(0.9);
  EXPECT_LT(against.LogCapital(), 0);
}

TEST(Betting, RejectsAfterAboutADozenSlicesThatAllSayTheSame) {
  Betting b;
  int slices = 0;
  while (!b.Rejects(0.001)) {
    b.Add(0.001);
    ++slices;
  }
  EXPECT_GE(slices, 10);
  EXPECT_LE(slices, 14);
}

TEST(Betting, RejectsATrueNullInAlphaOfAllSequencesAtMost) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> p(0, 1);
  int rejected = 0;
  for (int s = 0; s < 1'000; ++s) {
    Betting b;
    for (int i = 0; i < 300; ++i) b.Add(p(random));
    rejected += b.Rejects(0.05) ? 1 : 0;
  }
  EXPECT_LE(rejected, 65);
  EXPECT_GT(rejected, 0);
}

}  // namespace
}  // namespace penstock::rollout
