#include "components/train/mlp/overfit.h"

#include <gtest/gtest.h>

#include "components/train/mlp/testing/tables.h"

namespace penstock::train {
namespace {

TEST(OverfitOneBatch, LearnsRandomLabelsByHeartForEveryLoss) {
  const std::vector<sdk::Feature> features(8, {"x", 0});
  const auto table = MakeTable(features, 500, 1, [](std::mt19937& random, float* row) {
    for (int j = 0; j < 8; ++j) row[j] = Normal(random);
    return double(random() % 2);
  });
  for (const Target& target : {Classes(2), Classes(3), Values(), Values(Loss::kPoisson)}) {
    const auto report = OverfitOneBatch(table.rows(), {}, ContextOf(table, target));
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->learnt) << report->first_loss << " " << report->last_loss;
    EXPECT_EQ(report->rows, 64);
    EXPECT_EQ(report->contradictory, 0);
  }
}

TEST(OverfitOneBatch, IsWhatTheLearnerSaysOfOneBatch) {
  const auto table = Xor(500, 1);
  const auto context = ContextOf(table, Classes(2));
  const auto said = MakeMlp({})->LearnOneBatch(table.rows(), context);
  ASSERT_TRUE(said) << said.error().message;
  ASSERT_TRUE(*said);
  EXPECT_EQ((*said)->says, OverfitOneBatch(table.rows(), {}, context)->says);
}

TEST(OverfitOneBatch, SaysWhenEqualRowsHaveOtherLabels) {
  auto table = Xor(60, 1);
  for (std::size_t i = 0; i < 60; ++i) {
    table.x.data[2 * i] = table.x.data[2 * i + 1] = i < 40 ? 0 : 1;
    table.y[i] = double(i % 2);
  }
  const auto report = OverfitOneBatch(table.rows(), {}, ContextOf(table, Classes(2)));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->learnt);
  EXPECT_EQ(report->contradictory, 60);
  EXPECT_NE(report->says.find("60 of them have the features of another row"), std::string::npos);
}

TEST(OverfitOneBatch, SaysWhenTheNetworkIsTooSmall) {
  const auto table = Xor(500, 1);
  MlpOptions options;
  options.hidden = std::vector<std::int64_t>{1};
  const auto report = OverfitOneBatch(table.rows(), options, ContextOf(table, Classes(2)));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->learnt);
  EXPECT_NE(report->says.find("hidden is too small"), std::string::npos);
}

}  // namespace
}  // namespace penstock::train
