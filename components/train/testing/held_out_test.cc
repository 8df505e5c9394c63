#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "components/sdk/testing/test_data.h"
#include "components/train/calibrate.h"
#include "components/train/trial_store.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

const Target kBinary = {sdk::ModelTask::kClassification, 2, Loss::kLog, 1, 0.5};

// Answers whose logit is twice too large, of rows whose truth is drawn.
HeldOutAnswers TooSure(std::size_t rows, double slope) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  HeldOutAnswers h;
  for (std::size_t r = 0; r < rows; ++r) {
    const double z = normal(random);
    h.rows.push_back(std::uint32_t(r));
    h.fold.push_back(std::uint32_t(r % 5));
    h.answers.push_back(1 / (1 + std::exp(-z / slope)));
    h.y.push_back(uniform(random) < 1 / (1 + std::exp(-z)) ? 1 : 0);
  }
  return h;
}

double LogLossOf(const std::vector<double>& p, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t r = 0; r < y.size(); ++r) sum -= std::log(y[r] > 0.5 ? p[r] : 1 - p[r]);
  return sum / double(y.size());
}

TEST(Calibrate, PlattFindsTheSlopeThatTheAnswersLack) {
  const auto h = TooSure(20'000, 0.5);
  const auto c = FitCalibration(sdk::CalibrationMethod::kPlatt, h, kBinary);
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_NEAR(c->slope[0], 0.5, 0.03);
  EXPECT_NEAR(c->offset[0], 0, 0.05);
}

TEST(Calibrate, BothMethodsLowerTheLossOnRowsOfOtherParts) {
  const auto h = TooSure(20'000, 0.5);
  const double before = LogLossOf(h.answers, h.y);
  for (const auto method : {sdk::CalibrationMethod::kPlatt, sdk::CalibrationMethod::kIsotonic}) {
    const auto answers = CrossCalibrated(method, h, kBinary, 1);
    ASSERT_TRUE(answers);
    std::vector<double> p = *answers;
    for (double& v : p) v = std::clamp(v, 1e-4, 1 - 1e-4);
    EXPECT_LT(LogLossOf(p, h.y), before - 0.03);
  }
}

// Isotonic regression fitted and judged on the same rows finds signal in noise.
TEST(Calibrate, IsNotJudgedByTheRowsThatItWasFittedOn) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform;
  HeldOutAnswers h;
  for (std::size_t r = 0; r < 200; ++r) {
    h.rows.push_back(std::uint32_t(r));
    h.fold.push_back(std::uint32_t(r % 5));
    h.answers.push_back(uniform(random));
    h.y.push_back(double(random() % 2));
  }
  const auto c = FitCalibration(sdk::CalibrationMethod::kIsotonic, h, kBinary);
  ASSERT_TRUE(c);
  std::vector<double> own;
  for (const double p : h.answers) {
    own.push_back(std::clamp(sdk::CalibratedOne(*c, 0, p), 1e-3, 1 - 1e-3));
  }
  auto cross = *CrossCalibrated(sdk::CalibrationMethod::kIsotonic, h, kBinary, 1);
  for (double& p : cross) p = std::clamp(p, 1e-3, 1 - 1e-3);
  EXPECT_LT(LogLossOf(own, h.y), std::log(2.0));
  EXPECT_GT(LogLossOf(cross, h.y), std::log(2.0));
}

// One model answered all rows, as it does where valid judges: rows of a group tell of each other.
TEST(Calibrate, AGroupIsNotCalibratedByItsOwnRows) {
  HeldOutAnswers h;
  for (std::uint32_t r = 0; r < 240; ++r) {
    const std::uint32_t group = r / 40;
    h.rows.push_back(r);
    h.fold.push_back(0);
    h.answers.push_back(0.1 + 0.1 * group);
    h.y.push_back(group == 0 ? 0 : double(r % 2));
    h.group.push_back(group);
  }
  EXPECT_GT((*CrossCalibrated(sdk::CalibrationMethod::kIsotonic, h, kBinary, 1))[0], 0.3);
  h.group.clear();
  EXPECT_EQ((*CrossCalibrated(sdk::CalibrationMethod::kIsotonic, h, kBinary, 1))[0], 0);
}

// A training of an hour failed at its end, since Platt's slope was below zero.
TEST(Calibrate, AnswersThatRankTheWrongWayAreLeftAsTheyAre) {
  auto h = TooSure(2000, 1);
  for (double& p : h.answers) p = 1 - p;
  const auto c = FitCalibration(sdk::CalibrationMethod::kPlatt, h, kBinary);
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(c->method, sdk::CalibrationMethod::kNone);
  EXPECT_TRUE(CrossCalibrated(sdk::CalibrationMethod::kPlatt, h, kBinary, 1)->empty());
}

// Such a model was judged by answers some of which were calibrated and others not.
TEST(Calibrate, WhatTheOtherPartsDoNotBearOutIsNotCalibratedAtAll) {
  auto h = TooSure(2000, 0.5);
  // fold 0 ranks well, and is most of the rows; all others rank the wrong way
  for (std::size_t r = 0; r < h.fold.size(); ++r) {
    h.fold[r] = r < 1800 ? 0 : 1 + std::uint32_t(r % 4);
    if (h.fold[r] != 0) h.answers[r] = 1 - h.answers[r];
  }
  const auto c = FitCalibration(sdk::CalibrationMethod::kPlatt, h, kBinary);
  ASSERT_TRUE(c) << c.error().message;
  ASSERT_EQ(c->method, sdk::CalibrationMethod::kPlatt);
  EXPECT_TRUE(CrossCalibrated(sdk::CalibrationMethod::kPlatt, h, kBinary, 1)->empty());
}

ThresholdOptions By(ThresholdBy by) {
  ThresholdOptions options;
  options.by = by;
  return options;
}

TEST(Threshold, EachCriterionFindsItsOwn) {
  const std::vector<double> p = {0.1, 0.2, 0.3, 0.4, 0.6, 0.9};
  const std::vector<double> y = {0, 0, 1, 0, 0, 1};
  EXPECT_EQ(ChooseThreshold(By(ThresholdBy::kFixed), p, y, {}), 0.5);
  EXPECT_EQ(ChooseThreshold(By(ThresholdBy::kAccuracy), p, y, {}), 0.75);
  EXPECT_EQ(ChooseThreshold(By(ThresholdBy::kF1), p, y, {}), 0.75);  // 2/3 beats 2/3 by nearness
  ThresholdOptions cost = By(ThresholdBy::kCost);
  cost.false_negative = 10;
  EXPECT_EQ(ChooseThreshold(cost, p, y, {}), 0.25);
  cost.false_negative = 0;
  EXPECT_EQ(ChooseThreshold(cost, p, y, {}), 0.75);
}

TEST(Threshold, WeightsMoveIt) {
  const std::vector<double> p = {0.2, 0.4, 0.6, 0.8};
  const std::vector<double> y = {0, 1, 0, 1};
  EXPECT_EQ(ChooseThreshold(By(ThresholdBy::kAccuracy), p, y, std::vector<double>{1, 5, 1, 1}),
            (0.2 + 0.4) / 2);
  EXPECT_EQ(ChooseThreshold(By(ThresholdBy::kAccuracy), p, y, std::vector<double>{1, 1, 5, 1}),
            (0.6 + 0.8) / 2);
}

TEST(TrialStore, GivesBackTheBitsThatItWasGiven) {
  const sdk::TestFolder folder;
  const TrialStore store(folder.path());
  Trial trial;
  trial.setting = {{"id", "a"}, {"penalty", 0.1}};
  trial.answers = {0.1, -0.0, 1e-310, std::nextafter(1.0, 2.0)};
  trial.rounds = 7.25;
  ASSERT_TRUE(store.Keep("k", {trial}));
  const auto back = store.Find("k");
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((**back)[0].setting, trial.setting);
  EXPECT_EQ((**back)[0].answers, trial.answers);
  EXPECT_TRUE(std::signbit((**back)[0].answers[1]));
  EXPECT_EQ((**back)[0].rounds, 7.25);
  EXPECT_FALSE(*store.Find("other"));
}

TEST(TrialStore, ADamagedTrialIsNamed) {
  const sdk::TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "trial-k.cbor", "broken"));
  const auto back = TrialStore(folder.path()).Find("k");
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message.find("trial-k.cbor"), std::string::npos);
}

TEST(TrialStore, AKeyIsOfEveryBitOfTheRows) {
  sdk::FloatMatrix x{2, 1, std::make_unique<float[]>(2)};
  x.data[0] = x.data[1] = 1;
  std::vector<double> y = {0, 1};
  const Rows rows{&x, y, {}};
  const std::string key = TrialKey({{"seed", 1}}, rows, nullptr);
  EXPECT_EQ(TrialKey({{"seed", 1}}, rows, nullptr), key);
  EXPECT_NE(TrialKey({{"seed", 2}}, rows, nullptr), key);
  y[1] = std::nextafter(1.0, 2.0);
  EXPECT_NE(TrialKey({{"seed", 1}}, rows, nullptr), key);
  y[1] = 1;
  x.data[1] = std::nextafter(1.0F, 2.0F);
  EXPECT_NE(TrialKey({{"seed", 1}}, rows, nullptr), key);
}

}  // namespace
}  // namespace penstock::train
