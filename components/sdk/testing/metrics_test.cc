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

TEST(Measure, SaysWhyAMetricIsNotDefinedInsteadOfZero) {
  const std::vector<float> p = {0.2F, 0.1F, 0.3F};  // none is decided "yes"
  const std::vector<float> none = {0, 0, 0};
  Metrics m = Measure(Classes({"no", "yes"}), p, none, {}, 0.95);
  EXPECT_EQ(m["auc"].why, "all 3 rows are of class \"no\"");
  EXPECT_EQ(m["precision"].why, "no row is decided \"yes\"");
  EXPECT_EQ(m["recall"].why, "no row is of class \"yes\"");
  EXPECT_FALSE(m["f1"].defined());
  EXPECT_TRUE(m["accuracy"].defined());
  const Json j = ToJson(m)["precision"];
  EXPECT_EQ(j["value"], nullptr);
  EXPECT_EQ(j["defined"], false);
  EXPECT_FALSE(ValuesOf(m).contains("precision"));
  // A positive row that is missed: recall and F1 are 0 and not undefined.
  const std::vector<float> one = {0, 0, 1};
  m = Measure(Classes({"no", "yes"}), p, one);
  EXPECT_EQ(m["recall"].value, 0);
  EXPECT_EQ(m["f1"].value, 0);
  EXPECT_EQ(m["f1"].rows, 1);
}

// The sum of 1591 times float(63.53) rounds, so that the labels seemed to vary.
TEST(Measure, GivesNoR2ForConstantLabels) {
  ModelManifest m;
  m.task = ModelTask::kRegression;
  const std::vector<float> actual(1591, 63.53F);
  const std::vector<float> predicted(1591, 63.0F);
  const Metrics metrics = Measure(m, predicted, actual, {}, 0.95);
  EXPECT_FALSE(metrics.at("r2").defined());
  EXPECT_NEAR(metrics.at("rmse").value, 0.53, 1e-5);
}

// The square of an error was infinite, which JSON wrote as null beside defined: true.
TEST(Measure, AMetricBeyondFloat64IsNotDefined) {
  ModelManifest m;
  m.task = ModelTask::kRegression;
  const std::vector<float> predicted = {1, 2, 3};
  const std::vector<float> actual = {1, 2, 3};
  const std::vector<double> exact = {1e200, -1e200, 1e199};
  const Metrics metrics = Measure(m, Judged{predicted, actual, exact, {}}, {}, 0.95);
  const Json json = ToJson(metrics);
  for (const auto& [name, metric] : json.items()) {
    EXPECT_NE(metric["defined"], metric["value"].is_null()) << name;
  }
  EXPECT_EQ(json["rmse"]["defined"], false);
  EXPECT_EQ(json["mae"]["defined"], true);
}

// 95 % intervals hold what the rows were drawn from in about 95 of 100 draws.
TEST(Measure, GivesIntervalsThatCoverTheTruth) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> uniform;
  std::normal_distribution<double> normal;
  std::map<std::string, int> covered;
  constexpr int kDraws = 400;
  for (int draw = 0; draw < kDraws; ++draw) {
    // P(true) is 0.3; scores 1 apart: AUC = Phi(1 / sqrt 2), recall and precision by Phi too.
    std::vector<float> p, y, predicted, actual;
    for (int i = 0; i < 300; ++i) {
      const bool positive = uniform(random) < 0.3;
      y.push_back(positive ? 1 : 0);
      p.push_back(float(0.5 + 0.1 * (normal(random) + (positive ? 0.5 : -0.5))));
      actual.push_back(float(2 * normal(random)));
      predicted.push_back(actual.back() + float(normal(random)));
    }
    const auto holds = [&](const Metrics& m, const std::string& name, double truth) {
      const auto& interval = *m.at(name).interval;
      covered[name] += interval.low <= truth && truth <= interval.high ? 1 : 0;
    };
    const Metrics binary = Measure(Classes({false, true}), p, y, {}, 0.95);
    const double hit = 0.5 * std::erfc(-0.5 / std::sqrt(2.0));  // Phi(0.5), of either class
    const double precision = 0.3 * hit / (0.3 * hit + 0.7 * (1 - hit));
    holds(binary, "auc", 0.5 * std::erfc(-0.5));
    holds(binary, "accuracy", hit);
    holds(binary, "recall", hit);
    holds(binary, "precision", precision);
    holds(binary, "f1", 2 * precision * hit / (precision + hit));
    ModelManifest m;
    m.task = ModelTask::kRegression;
    const Metrics regression = Measure(m, predicted, actual, {}, 0.95);
    holds(regression, "rmse", 1);
    holds(regression, "mae", std::sqrt(2 / 3.14159265358979));
    holds(regression, "bias", 0);
    holds(regression, "r2", 0.75);
    // Three classes, decided right in 6 of 10 rows and else by chance.
    std::vector<float> raw, classes;
    for (int i = 0; i < 300; ++i) {
      const auto c = random() % 3;
      const auto decided = uniform(random) < 0.4 ? random() % 3 : c;
      classes.push_back(float(c));
      for (unsigned k = 0; k < 3; ++k) raw.push_back(k == decided ? 0.8F : 0.1F);
    }
    const Metrics several = Measure(Classes({"a", "b", "c"}), raw, classes, {}, 0.95);
    const double right = 0.6 + 0.4 / 3;
    for (const char* name : {"macroPrecision", "macroRecall", "macroF1"}) {
      holds(several, name, right);
    }
  }
  for (const auto& [name, count] : covered) {
    EXPECT_GT(count, 0.91 * kDraws) << name;
    EXPECT_LT(count, 0.985 * kDraws) << name;
  }
  EXPECT_EQ(covered.size(), 12U);
}

TEST(LogLoss, ClipsACertainMistake) {
  const std::vector<float> p = {0.0F};
  const std::vector<float> y = {1};
  EXPECT_NEAR(LogLoss(p, 1, y), -std::log(2.220446049250313e-16), 1e-9);
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

TEST(MomentsOf, TakesTheLastDigitsOfSumsForNoSpread) {
  std::vector<double> values;
  for (int i = 0; i < 300; ++i) values.push_back(i % 2 == 0 ? 0.1 + 0.2 : 0.3);
  EXPECT_TRUE(MomentsOf(values).constant);
  EXPECT_EQ(MomentsOf(values).std, 0);
  // One part in 10^12 is a spread: it is above what rounding leaves.
  values.push_back(0.3 * (1 + 1e-12));
  EXPECT_FALSE(MomentsOf(values).constant);
  const std::vector<double> times = {1700000000.001, 1700000000.003};
  EXPECT_NEAR(MomentsOf(times).std, 1e-3, 1e-6);
}

TEST(MomentsOf, HoldsWhatSquaresCannot) {
  const std::vector<double> large = {1e300, 3e300};
  EXPECT_DOUBLE_EQ(MomentsOf(large).mean, 2e300);
  EXPECT_DOUBLE_EQ(MomentsOf(large).std, 1e300);
  const std::vector<double> small = {1e-300, 3e-300};
  EXPECT_DOUBLE_EQ(MomentsOf(small).std, 1e-300);
  EXPECT_FALSE(MomentsOf(small).constant);
}

}  // namespace
}  // namespace penstock::sdk
