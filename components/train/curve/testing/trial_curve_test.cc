#include "components/train/curve/trial_curve.h"

#include <gtest/gtest.h>

#include <random>

namespace penstock::train {
namespace {

constexpr std::size_t kRows = 400;

// Answers are the rung's number, so that it is seen which rung answered a row.
std::vector<double> AnswersOfRung(double rung) { return std::vector<double>(kRows, rung); }

std::vector<double> Noise(std::mt19937& random) {
  std::vector<double> losses;
  for (std::size_t r = 0; r < kRows; ++r) losses.push_back(double(random()) / 4294967296.0);
  return losses;
}

Trial TheTrial(const TrialCurve& curve) {
  std::vector<Trial> trials;
  curve.Append({{"id", "x"}}, &trials);
  EXPECT_EQ(trials.size(), 1U);
  return trials.front();
}

TEST(TrialCurve, EachHalfIsAnsweredByTheRungThatIsBestOnTheOther) {
  TrialCurve curve({1, 2}, false, 2);
  std::vector<double> first(kRows);
  std::vector<double> second(kRows);
  for (std::size_t r = 0; r < kRows; ++r) {
    first[r] = HalfOf(r) == 0 ? 1 : 3;
    second[r] = HalfOf(r) == 0 ? 2 : 2.5;
  }
  curve.Add(first, AnswersOfRung(1));
  curve.Add(second, AnswersOfRung(2));
  const Trial trial = TheTrial(curve);
  for (std::size_t r = 0; r < kRows; ++r) {
    ASSERT_EQ(trial.answers[r], HalfOf(r) == 0 ? 2 : 1) << r;
  }
  EXPECT_EQ(trial.rounds, 1) << "the best of all rows: 1 and 3 are less than 2 and 2.5";
}

// Rungs that differ by chance alone: the best rung's mean loss on the rows that chose it lies below
// a half, the truth; those that are crossed do not.
TEST(TrialCurve, LuckWithHeldOutRowsIsNoMerit) {
  std::mt19937 random(1);
  double naive = 0;
  double crossed = 0;
  constexpr int kTimes = 300;
  for (int time = 0; time < kTimes; ++time) {
    std::vector<int> ladder;
    for (int rung = 1; rung <= 12; ++rung) ladder.push_back(rung);
    TrialCurve curve(ladder, false, 12);
    std::vector<std::vector<double>> losses;
    for (const int rung : ladder) {
      losses.push_back(Noise(random));
      curve.Add(losses.back(), AnswersOfRung(rung));
    }
    const Trial trial = TheTrial(curve);
    for (std::size_t r = 0; r < kRows; ++r) {
      naive += losses[std::size_t(*trial.rounds) - 1][r] / kRows / kTimes;
      crossed += losses[std::size_t(trial.answers[r]) - 1][r] / kRows / kTimes;
    }
  }
  EXPECT_LT(naive, 0.48);
  EXPECT_NEAR(crossed, 0.5, 0.003);
}

TEST(TrialCurve, GoesOnFromWhatItWroteAndFromNoOtherLadder) {
  std::mt19937 random(2);
  for (const bool all : {false, true}) {
    TrialCurve curve({1, 2, 3, 4}, all, 3);
    TrialCurve again({1, 2, 3, 4}, all, 3);
    curve.Add(Noise(random), AnswersOfRung(1));
    curve.Add(Noise(random), AnswersOfRung(2));
    ASSERT_TRUE(again.Read(curve.Write()));
    const auto third = Noise(random);
    curve.Add(third, AnswersOfRung(3));
    again.Add(third, AnswersOfRung(3));
    EXPECT_EQ(again.Write(), curve.Write());
    EXPECT_EQ(again.NextRung(), 4);
    EXPECT_FALSE(TrialCurve({1}, all, 3).Read(curve.Write()));
  }
}

TEST(TrialCurve, EndsWhereNoRowsHaveBeenAnsweredBetterForLong) {
  TrialCurve curve({1, 2, 3, 4, 5, 6}, true, 2);
  for (const double loss : {3.0, 2.0, 2.1}) {
    curve.Add(std::vector<double>(kRows, loss), AnswersOfRung(loss));
    EXPECT_FALSE(curve.Ended());
  }
  curve.Add(std::vector<double>(kRows, 2.2), AnswersOfRung(2.2));
  EXPECT_TRUE(curve.Ended());
  std::vector<Trial> trials;
  curve.Append({{"id", "x"}}, &trials);
  ASSERT_EQ(trials.size(), 6U);
  EXPECT_EQ(trials[5].answers[0], 2.2);
}

// A setting that was ended early in each fold was fitted again for the rounds of the ladder's end.
TEST(TrialCurve, ATrialsRoundsAreThoseOfTheRungThatAnswered) {
  TrialCurve curve({10, 20, 40, 80}, true, 1);
  curve.Add(std::vector<double>(kRows, 1), AnswersOfRung(10));
  curve.Add(std::vector<double>(kRows, 2), AnswersOfRung(20));
  ASSERT_TRUE(curve.Ended());
  std::vector<Trial> trials;
  curve.Append({{"id", "x"}}, &trials);
  ASSERT_EQ(trials.size(), 4U);
  for (const Trial& trial : trials) EXPECT_EQ(trial.rounds, trial.answers[0]) << trial.setting;
  EXPECT_EQ(trials[3].rounds, 20);
  EXPECT_EQ(trials[3].setting["id"], "x, rung 4");
}

}  // namespace
}  // namespace penstock::train
