#include "components/sdk/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "components/sdk/exact_sum.h"

namespace penstock::sdk {
namespace {

ModelManifest Classes(std::vector<Json> classes) {
  ModelManifest m;
  m.classes = std::move(classes);
  return m;
}

TEST(Auc, IsTheValueOfScikitLearnsExample) {
  // sklearn.metrics.roc_auc_score, documentation: y = [0, 0, 1, 1], scores below -> 0.75.
  const std::vector<float> scores = {0.1F, 0.4F, 0.35F, 0.8F};
  const std::vector<std::uint8_t> y = {0, 0, 1, 1};
  EXPECT_DOUBLE_EQ(Auc(scores, y), 0.75);
}

TEST(Auc, CountsTiesAsOneHalf) {
  // Pairs: (.5,.5) tie, (.5,.2) won, (.9,.5) won, (.9,.2) won -> 3.5 / 4.
  const std::vector<float> scores = {0.5F, 0.5F, 0.2F, 0.9F};
  const std::vector<std::uint8_t> y = {0, 1, 0, 1};
  EXPECT_DOUBLE_EQ(Auc(scores, y), 0.875);
  const std::vector<float> constant(4, 0.3F);
  EXPECT_DOUBLE_EQ(Auc(constant, y), 0.5);
}

TEST(Auc, EqualsTheCountOfAllPairs) {
  std::mt19937 random(3);
  std::vector<float> scores;
  std::vector<std::uint8_t> y;
  for (int i = 0; i < 400; ++i) {
    scores.push_back(float(random() % 50));
    y.push_back(random() % 3 == 0);
  }
  double won = 0, pairs = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    for (std::size_t j = 0; j < y.size(); ++j) {
      if (y[i] != 1 || y[j] != 0) continue;
      pairs += 1;
      won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
    }
  }
  EXPECT_NEAR(Auc(scores, y), won / pairs, 1e-14);
}

TEST(Auc, IsNotDefinedForOneClass) {
  const std::vector<float> scores = {0.1F, 0.2F};
  const std::vector<std::uint8_t> y = {1, 1};
  EXPECT_TRUE(std::isnan(Auc(scores, y)));
  const std::vector<float> labels = {1, 1};
  EXPECT_TRUE(ComputeMetrics(Classes({false, true}), scores, labels)["auc"].is_null());
}

TEST(ComputeMetrics, GivesTheBinaryNumbersWorkedByHand) {
  // Decided: 1 1 0 0 1; true: 1 0 0 1 1 -> TP 2, FP 1, FN 1, TN 1.
  const std::vector<float> p = {0.9F, 0.6F, 0.2F, 0.4F, 0.5F};
  const std::vector<float> y = {1, 0, 0, 1, 1};
  const Json m = ComputeMetrics(Classes({"no", "yes"}), p, y);
  EXPECT_DOUBLE_EQ(m["accuracy"], 0.6);
  EXPECT_DOUBLE_EQ(m["precision"], 2.0 / 3);
  EXPECT_DOUBLE_EQ(m["recall"], 2.0 / 3);
  EXPECT_DOUBLE_EQ(m["f1"], 2.0 / 3);
  EXPECT_NEAR(m["brier"], (0.01 + 0.36 + 0.04 + 0.36 + 0.25) / 5, 1e-7);
  EXPECT_NEAR(m["logLoss"],
              -(std::log(0.9) + std::log(0.4) + std::log(0.8) + std::log(0.4) + std::log(0.5)) / 5,
              1e-6);
  EXPECT_DOUBLE_EQ(m["positiveRate"], 0.6);
  EXPECT_EQ(m["rows"], 5);
}

TEST(ComputeMetrics, ChoosesRows) {
  const std::vector<float> p = {0.9F, 0.6F, 0.2F};
  const std::vector<float> y = {1, 0, 0};
  const std::vector<std::uint32_t> rows = {1};
  const Json m = ComputeMetrics(Classes({false, true}), p, y, rows);
  EXPECT_EQ(m["rows"], 1);
  EXPECT_DOUBLE_EQ(m["accuracy"], 0);
}

TEST(ComputeMetrics, AveragesOverTheClassesThatOccur) {
  // Four classes, of which "d" neither occurs nor is decided.
  // Decided: a b b c; true: a b c c. Precision a 1, b 1/2, c 1; recall a 1, b 1, c 1/2.
  const std::vector<float> raw = {.7F, .1F, .1F, .1F, .1F, .7F, .1F, .1F,
                                  .1F, .5F, .3F, .1F, .1F, .1F, .7F, .1F};
  const std::vector<float> y = {0, 1, 2, 2};
  const Json m = ComputeMetrics(Classes({"a", "b", "c", "d"}), raw, y);
  EXPECT_DOUBLE_EQ(m["accuracy"], 0.75);
  EXPECT_NEAR(m["macroPrecision"], 2.5 / 3, 1e-12);
  EXPECT_NEAR(m["macroRecall"], 2.5 / 3, 1e-12);
  EXPECT_NEAR(m["macroF1"], (1 + 2.0 / 3 + 2.0 / 3) / 3, 1e-12);
  EXPECT_NEAR(m["logLoss"], -(3 * std::log(0.7) + std::log(0.3)) / 4, 1e-6);
}

TEST(ComputeMetrics, GivesTheRegressionNumbersOfScikitLearnsExamples) {
  // sklearn.metrics.r2_score and mean_absolute_error, documentation.
  ModelManifest m;
  m.task = ModelTask::kRegression;
  const std::vector<float> predicted = {2.5F, 0.0F, 2.0F, 8.0F};
  const std::vector<float> actual = {3.0F, -0.5F, 2.0F, 7.0F};
  const Json metrics = ComputeMetrics(m, predicted, actual);
  EXPECT_NEAR(metrics["r2"], 0.9486081370449679, 1e-12);
  EXPECT_DOUBLE_EQ(metrics["mae"], 0.5);
  EXPECT_NEAR(metrics["rmse"], std::sqrt(0.375), 1e-12);
  EXPECT_DOUBLE_EQ(metrics["bias"], 0.25);
}

TEST(LogLoss, ClipsACertainMistake) {
  const std::vector<float> p = {0.0F};
  const std::vector<float> y = {1};
  EXPECT_NEAR(LogLoss(p, 1, y), -std::log(1.1920928955078125e-7), 1e-9);
}

TEST(ExactSum, DoesNotDependOnTheOrder) {
  std::vector<double> values = {1e100, 1, -1e100, 1e-30, 3, 0.1, 0.2, -0.3, 1e16, 1, -1e16};
  std::mt19937 random(1);
  ExactSum reference;
  for (const double v : values) reference.Add(v);
  for (int i = 0; i < 50; ++i) {
    std::shuffle(values.begin(), values.end(), random);
    ExactSum left, right;
    for (std::size_t k = 0; k < values.size(); ++k) (k % 3 == 0 ? left : right).Add(values[k]);
    left.Merge(right);
    ASSERT_EQ(left.Round(), reference.Round());
  }
  ExactSum tenth;
  for (int i = 0; i < 10; ++i) tenth.Add(0.1);
  EXPECT_EQ(tenth.Round(), 1.0);
}

}  // namespace
}  // namespace penstock::sdk
