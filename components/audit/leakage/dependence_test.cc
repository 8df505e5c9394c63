#include "components/audit/leakage/dependence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "components/audit/leakage/least_squares.h"
#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

std::vector<double> Uniforms(std::size_t n, std::uint64_t seed) {
  std::vector<double> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(Uniform(i, seed));
  return values;
}

TEST(OrderOf, IsOfAStepAsOfACopyAndNotOfOneRowOutOfPlace) {
  const auto y = Uniforms(200, 1);
  std::vector<double> step;
  for (const double v : y) step.push_back(v <= 0.3 ? 1 : 0);
  const auto order = OrderOf(step, y);
  ASSERT_TRUE(order);
  EXPECT_TRUE(order->falling);
  EXPECT_LT(order->log10_chance, -40);
  // With as many rows on the other side as on this, but for one row.
  step[0] = 1 - step[0];
  EXPECT_FALSE(OrderOf(step, y));
}

TEST(OrderOf, GivesTheChanceThatACountOfArrangementsGives) {
  // Three of five rows have the label: 1 of 10 arrangements is in order, and one in reverse.
  const std::vector<double> x{1, 2, 3, 4, 5};
  const std::vector<double> y{0, 0, 1, 1, 1};
  const auto order = OrderOf(x, y);
  ASSERT_TRUE(order);
  EXPECT_NEAR(order->log10_chance, std::log10(2.0 / 10), 1e-9);
  // Ties of both: x has 2 and 3, y 1 and 4 equal rows. 10 arrangements of x; 4 keep the order.
  const auto ties = OrderOf(std::vector<double>{1, 1, 2, 2, 2}, std::vector<double>{0, 1, 1, 1, 1});
  ASSERT_TRUE(ties);
  EXPECT_NEAR(ties->log10_chance, std::log10(2.0 * 4 / 10), 1e-9);
}

TEST(OrderOf, LeavesNullsOutAndKnowsNothingOfAConstant) {
  const std::vector<double> x{1, kNull, 2, 3, 4};
  const std::vector<double> y{1, 9, 2, 3, kNull};
  EXPECT_TRUE(OrderOf(x, y));
  EXPECT_FALSE(OrderOf(std::vector<double>{1, 1, 1}, std::vector<double>{1, 2, 3}));
  EXPECT_FALSE(OrderOf(std::vector<double>{1, 2, 3}, std::vector<double>{2, 2, 2}));
}

TEST(RangesChance, IsOfLevelsWhoseRangesMayTouchButNotOverlap) {
  const std::vector<std::uint32_t> codes{0, 0, 1, 1, 2, 2};
  EXPECT_TRUE(RangesChance(codes, 3, std::vector<double>{5, 6, 1, 2, 2, 5}));
  EXPECT_FALSE(RangesChance(codes, 3, std::vector<double>{5, 6, 1, 2, 2, 5.5}));
  // 3! orders of the levels over 6! / (2! 2! 2!) = 90 arrangements.
  const auto chance = RangesChance(codes, 3, std::vector<double>{5, 6, 1, 2, 3, 4});
  ASSERT_TRUE(chance);
  EXPECT_NEAR(*chance, std::log10(6.0 / 90), 1e-9);
}

TEST(PurityChance, BoundsWhatChanceGivesAndSeesOneImpureLevel) {
  const std::vector<std::uint32_t> codes{0, 0, 0, 1, 1, 1};
  const auto chance = PurityChance(codes, 2, std::vector<double>{0, 0, 0, 1, 1, 1});
  ASSERT_TRUE(chance);
  EXPECT_NEAR(*chance, std::log10(4.0 / 20), 1e-9);  // 2 ^ 2 of 6! / (3! 3!)
  EXPECT_FALSE(PurityChance(codes, 2, std::vector<double>{0, 0, 1, 1, 1, 1}));
  // A value a row says nothing.
  const std::vector<std::uint32_t> ids{0, 1, 2, 3, 4, 5};
  EXPECT_EQ(*PurityChance(ids, 6, std::vector<double>{0, 0, 0, 1, 1, 1}), 0);
}

TEST(Xi, IsOneOfAFunctionThatDoesNotRiseAndNearZeroOfNone) {
  const auto x = Uniforms(1000, 2);
  std::vector<double> wave;
  for (const double v : x) wave.push_back(std::abs(v - 0.4));
  EXPECT_GT(Xi(x, wave), 0.99);
  EXPECT_LT(Xi(wave, x), 0.9);  // two x of most values
  EXPECT_NEAR(Xi(x, Uniforms(1000, 3)), 0, 0.1);
  std::vector<double> rising;
  for (const double v : x) rising.push_back(std::exp(v));
  EXPECT_NEAR(Xi(x, rising), 1, 1e-12);
}

TEST(Xi, HasChatterjeesValueWithTies) {
  // By hand: r = 2 2 4 4 (rows not above), l = 4 4 2 2 (rows not below), 1 - 4 * 2 / (2 * (0 + 0 +
  // 4
  // + 4)) = 0.5, which is all that 4 rows can reach.
  EXPECT_NEAR(Xi(std::vector<double>{1, 2, 3, 4}, std::vector<double>{0, 0, 1, 1}), 1, 1e-12);
  EXPECT_EQ(Xi(std::vector<double>{1, 2, 3}, std::vector<double>{5, 5, 5}), 0);
  // r = 2 4 2 4: steps 6, 1 - 4 * 6 / 16 = -0.5, divided by 0.5.
  EXPECT_NEAR(Xi(std::vector<double>{1, 2, 3, 4}, std::vector<double>{0, 1, 0, 1}), -1, 1e-12);
}

TEST(FitColumns, FindsWeightsThatNearlyEqualColumnsDoNotSpoil) {
  std::vector<std::vector<double>> columns{Uniforms(300, 4), {}};
  std::vector<double> y;
  for (std::size_t i = 0; i < 300; ++i) {
    columns[1].push_back(columns[0][i] + 1e-5 * Uniform(i, 5));
    y.push_back(1e6 + 3 * columns[0][i] - 3 * columns[1][i]);
  }
  const auto fit = FitColumns(columns, y);
  ASSERT_TRUE(fit);
  EXPECT_LT(fit->unexplained, 1e-6);
  EXPECT_NEAR(fit->weights[0], 3, 1e-3);
  EXPECT_NEAR(fit->weights[1], -3, 1e-3);
  EXPECT_FALSE(FitColumns(columns, std::vector<double>(300, 7)));
}

}  // namespace
}  // namespace penstock::audit
