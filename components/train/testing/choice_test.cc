#include <gtest/gtest.h>

#include <cmath>

#include "components/train/board.h"
#include "components/train/choice_metric.h"

namespace penstock::train {
namespace {

Target Binary() { return {sdk::ModelTask::kClassification, 2, Loss::kLog, 1, 0.5}; }
Target Number(Loss loss) { return {sdk::ModelTask::kRegression, 0, loss, 1, 0.9}; }

TEST(ChoiceMetric, IsThatOfTheLossUnlessAnotherIsWanted) {
  EXPECT_EQ(*ChoiceMetric("auto", Binary()), "logLoss");
  EXPECT_EQ(*ChoiceMetric("auto", Number(Loss::kPoisson)), "poissonDeviance");
  EXPECT_EQ(*ChoiceMetric("auc", Binary()), "auc");
  EXPECT_NE(ChoiceMetric("rmse", Binary()).error().message.find("is of a regression"),
            std::string::npos);
  Target three = Binary();
  three.classes = 3;
  EXPECT_NE(ChoiceMetric("auc", three).error().message.find("two classes, and there are 3"),
            std::string::npos);
}

TEST(ChoiceMetric, LossesAreTheTextbooks) {
  const std::vector<double> p = {0.8};
  EXPECT_NEAR(LossOfRow("logLoss", Binary(), p, 1), -std::log(0.8), 1e-12);
  EXPECT_NEAR(LossOfRow("logLoss", Binary(), p, 0), -std::log(0.2), 1e-12);
  EXPECT_NEAR(LossOfRow("brier", Binary(), p, 0), 0.64, 1e-12);
  EXPECT_EQ(LossOfRow("accuracy", Binary(), p, 0), 1);
  const std::vector<double> two = {2};
  EXPECT_EQ(LossOfRow("rmse", Number(Loss::kSquared), two, 5), 9);
  EXPECT_EQ(LossOfRow("mae", Number(Loss::kHuber), two, 5), 3);
  EXPECT_NEAR(LossOfRow("pinball", Number(Loss::kQuantile), two, 5), 2.7, 1e-12);
  EXPECT_NEAR(LossOfRow("pinball", Number(Loss::kQuantile), two, 1), 0.1, 1e-12);
  EXPECT_NEAR(LossOfRow("poissonDeviance", Number(Loss::kPoisson), two, 3),
              2 * (3 * std::log(1.5) - 1), 1e-12);
}

TEST(ChoiceMetric, AHeavyRowCountsByItsWeight) {
  const std::vector<double> answers = {0, 0};
  const std::vector<double> y = {1, 3};
  const std::vector<double> weight = {3, 1};
  EXPECT_NEAR(ScoreOf("rmse", Number(Loss::kSquared), answers, y, weight).value, std::sqrt(3),
              1e-12);
  EXPECT_NEAR(ConstantAnswer(Number(Loss::kSquared), y, weight)[0], 1.5, 1e-12);
  EXPECT_EQ(ConstantAnswer(Number(Loss::kAbsolute), y, weight)[0], 1);
}

TEST(ChoiceMetric, TheStandardErrorIsThatOfAMean) {
  const std::vector<double> answers = {0, 0, 0, 0};
  const std::vector<double> y = {1, 2, 3, 4};
  const Score score = ScoreOf("mae", Number(Loss::kAbsolute), answers, y, {});
  EXPECT_EQ(score.value, 2.5);
  EXPECT_NEAR(score.standard_error, std::sqrt(5.0) / 4, 1e-12);  // sqrt of the sum of squares / n
}

// Four rows in two folds; `answers` by row.
struct Small {
  Labels labels;
  FoldPlan plan;
  Small() {
    labels.label.task = sdk::ModelTask::kRegression;
    labels.target = Number(Loss::kSquared);
    labels.y = {1, 2, 3, 4};
    labels.train_rows = 4;
    plan.a_repeat = 2;
    plan.folds = {{{1, 3}, {0, 2}}, {{0, 2}, {1, 3}}};
  }
  [[nodiscard]] BoardLine Line(const std::string& learner, double error) const {
    BoardLine line;
    line.learner = learner;
    line.score = ScoreFolds("rmse", labels, plan, {{1 + error, 3 + error}, {2 + error, 4 + error}});
    line.nested = line.score;
    return line;
  }
};

TEST(Board, TheBestIsChosenAndTheSimplerOfEqualOnes) {
  Small small;
  Board board;
  board.metric = "rmse";
  board.dummy = ScoreDummy("rmse", small.labels, small.plan);
  board.lines = {small.Line("linear", 0.5), small.Line("boosting", -0.5), small.Line("mlp", 1)};
  EXPECT_EQ(MarkBest(small.labels, small.plan, board), 0U);
  EXPECT_TRUE(board.lines[0].chosen);
  EXPECT_EQ(board.lines[1].behind, 0);
  EXPECT_NEAR(*board.lines[2].behind, 0.5, 1e-12);
  EXPECT_TRUE(board.beats_dummy);
}

TEST(Board, TheDummyIsTheMeanOfTheRowsThatAreNotHeldOut) {
  const Small small;
  // fold 0 holds out 1 and 3 and answers 3; fold 1 holds out 2 and 4 and answers 2
  EXPECT_NEAR(ScoreDummy("rmse", small.labels, small.plan).value, std::sqrt((4 + 0 + 0 + 4) / 4.0),
              1e-12);
}

TEST(Board, AFailedLearnerStandsLastWithItsError) {
  Small small;
  Board board;
  board.metric = "rmse";
  BoardLine failed;
  failed.learner = "boosting";
  failed.problem = "no library";
  failed.failed = true;
  board.lines = {failed, small.Line("linear", 9)};
  board.dummy = ScoreDummy("rmse", small.labels, small.plan);
  ASSERT_TRUE(MarkBest(small.labels, small.plan, board));
  EXPECT_FALSE(board.beats_dummy);
  const Json json = ToJson(board, 10);
  EXPECT_EQ(json[0]["learner"], "linear");
  EXPECT_EQ(json[1]["error"], "no library");
  EXPECT_FALSE(json[1].contains("value"));
}

TEST(Board, RepeatsAreMeanedByRowSoThatTheyAreNoFurtherRows) {
  Small small;
  const auto once = small.Line("x", 1);
  small.plan.folds.push_back(small.plan.folds[0]);
  small.plan.folds.push_back(small.plan.folds[1]);
  const Score twice =
      ScoreFolds("rmse", small.labels, small.plan, {{2, 4}, {3, 5}, {2, 4}, {3, 5}});
  EXPECT_EQ(twice.losses.size(), 4U);
  EXPECT_EQ(twice.value, once.score->value);
  EXPECT_EQ(twice.standard_error, once.score->standard_error);
}

TEST(Board, RepeatsMakeNoAucMoreCertain) {
  Labels labels;
  labels.target = Binary();
  labels.y = {0, 1, 0, 1, 0, 1, 0, 1};
  labels.train_rows = 8;
  FoldPlan plan;
  plan.a_repeat = 2;
  plan.folds = {{{4, 5, 6, 7}, {0, 1, 2, 3}}, {{0, 1, 2, 3}, {4, 5, 6, 7}}};
  const std::vector<double> right = {0.1, 0.9, 0.2, 0.8};  // auc 1
  const std::vector<double> half = {0.1, 0.9, 0.2, 0.15};  // auc 0.75
  const Score once = ScoreFolds("auc", labels, plan, {right, half});
  EXPECT_NEAR(once.value, 0.875, 1e-12);
  EXPECT_NEAR(once.standard_error, 0.125, 1e-12);
  plan.folds.insert(plan.folds.end(), {plan.folds[0], plan.folds[1]});
  const Score twice = ScoreFolds("auc", labels, plan, {right, half, right, half});
  EXPECT_NEAR(twice.value, once.value, 1e-12);
  EXPECT_NEAR(twice.standard_error, once.standard_error, 1e-12);
}

}  // namespace
}  // namespace penstock::train
