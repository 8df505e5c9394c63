#include "components/train/boosting/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/train/boosting/testing/boosting_data.h"
#include "components/train/curve/held_out_loss.h"

namespace penstock::train {
namespace {

TEST(BoostingSettings, ComeBackFromTheirJson) {
  for (const BoostingSetting& setting : BoostingSettings({}, 1000, 10, Classes(2))) {
    const auto again = ParseBoostingSetting(ToJson(setting));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, setting);
  }
  const auto without = ParseBoostingSetting({{"depth", 3}});
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, testing::HasSubstr("a number 'learningRate'"));
}

TEST(BoostingSettings, OfALadderClimbToTheirLastAtAnyRate) {
  for (const double rate : {0.001, 0.05, 0.3, 0.9, 1.0, 5.0}) {
    BoostingSetting setting;
    setting.learning_rate = rate;
    const auto ladder = BoostingLadder({}, setting, 1000, 10, Classes(2));
    EXPECT_GE(ladder.front(), 1);
    EXPECT_GE(ladder.back(), 30);
    for (std::size_t i = 1; i < ladder.size(); ++i) EXPECT_GT(ladder[i], ladder[i - 1]) << rate;
  }
}

// About two milliseconds a unit of cost on the machine of 2026.
TEST(BoostingSettings, OfManyClassesAndThousandsOfRowsEndInSeconds) {
  const auto settings = BoostingSettings({}, 3000, 30, Classes(30));
  double cost = 0;
  for (const BoostingSetting& setting : settings) {
    const auto ladder = BoostingLadder({}, setting, 3000, 30, Classes(30));
    cost += ladder.back() * RoundCost(setting, 3000, 30, Classes(30));
    EXPECT_GE(ladder.back() * setting.learning_rate, 7) << "and still learn something";
  }
  EXPECT_LT(cost, 3000);
}

TEST(BoostingSettings, GiveEachLossItsOwnAnswerBeforeTheFirstTree) {
  Table table = MakeTable(4, 1, 1, [](float*, std::mt19937&) { return 0.0; });
  table.y = {1, 2, 3, 10};
  table.weight = {1, 1, 1, 3};
  Target target = Regression(Loss::kSquared);
  const auto base = [&] {
    return std::stod(
        XgboostParameters({}, table.rows(), ContextOf(table, target)).at("base_score"));
  };
  EXPECT_EQ(base(), 6);
  target.loss = Loss::kAbsolute;
  EXPECT_EQ(base(), 3);
  target.loss = Loss::kQuantile;
  target.quantile = 0.9;
  EXPECT_EQ(base(), 10);
  target.loss = Loss::kPoisson;
  EXPECT_EQ(base(), 6);
}

TEST(BoostingSettings, MeasureALossByItsOwnFormulaAndWeights) {
  Table table = MakeTable(2, 1, 1, [](float*, std::mt19937&) { return 0.0; });
  table.y = {1, 4};
  table.weight = {3, 1};
  const std::vector<double> answers = {2, 1};
  const auto loss = [&](Loss of) {
    Target target = Regression(of);
    target.delta = 0.5;
    target.quantile = 0.9;
    return MeanLoss(target, answers, table.rows(), 4);
  };
  EXPECT_DOUBLE_EQ(loss(Loss::kSquared), (3 * 1 + 9) / 4.0);
  EXPECT_DOUBLE_EQ(loss(Loss::kAbsolute), (3 * 1 + 3) / 4.0);
  EXPECT_DOUBLE_EQ(loss(Loss::kHuber), (3 * 0.5 + 2 * (3 - 1.0)) / 4);
  EXPECT_DOUBLE_EQ(loss(Loss::kPoisson), (3 * (2 - std::log(2.0)) + 1) / 4);
  EXPECT_DOUBLE_EQ(loss(Loss::kQuantile), (3 * 0.1 + 0.9 * 3) / 4);
  table.y = {0, 1};
  EXPECT_DOUBLE_EQ(MeanLoss(Classes(2), std::vector<double>{0.5, 0.25}, table.rows(), 1),
                   (3 * std::log(2.0) + std::log(4.0)) / 4);
}

}  // namespace
}  // namespace penstock::train
