#include "components/train/nested.h"

#include <gtest/gtest.h>

#include <random>

#include "components/train/race.h"

namespace penstock::train {
namespace {

// Labels of 0 in five folds, so that an answer is its own error.
struct Zeros {
  Labels labels;
  FoldPlan plan;
  explicit Zeros(std::size_t rows, std::uint32_t folds = 5) {
    labels.label.task = sdk::ModelTask::kRegression;
    labels.target = {sdk::ModelTask::kRegression, 0, Loss::kSquared, 1, 0.5};
    labels.y.assign(rows, 0);
    labels.train_rows = rows;
    plan.a_repeat = folds;
    plan.folds.resize(folds);
    for (std::uint32_t r = 0; r < rows; ++r) plan.folds[r % folds].held_out.push_back(r);
  }
  [[nodiscard]] Candidate Of(const std::vector<double>& by_fold) const {
    Candidate c;
    for (std::size_t f = 0; f < plan.folds.size(); ++f) {
      c.answers.emplace_back(plan.folds[f].held_out.size(), by_fold[f]);
    }
    return c;
  }
  [[nodiscard]] Candidate Random(std::mt19937& random) const {
    Candidate c;
    for (const Fold& fold : plan.folds) {
      auto& answers = c.answers.emplace_back();
      for (std::size_t i = 0; i < fold.held_out.size(); ++i) {
        answers.push_back(std::normal_distribution<>()(random));
      }
    }
    return c;
  }
};

TEST(NestedChoice, EachFoldIsAnsweredByTheSettingThatIsBestOnTheOthers) {
  const Zeros zeros(50);
  // the first is best in fold 0 by so much that it is best of all, but not on the other four
  const std::vector<Candidate> settings = {zeros.Of({0, 2, 2, 2, 2}), zeros.Of({9, 1, 1, 1, 1})};
  const auto choice = ChooseSetting("rmse", zeros.labels, zeros.plan, settings, 1);
  EXPECT_EQ(choice.best, 0U);
  EXPECT_EQ(choice.answers[0][0], 9);
  EXPECT_EQ(choice.answers[1][0], 2);
  EXPECT_GT(choice.score.value, choice.scores[0].value);
}

// Auto preferred the learner of more settings where none was better.
TEST(NestedChoice, ManySettingsThatAreEquallyGoodAreNoBetterThanOne) {
  std::mt19937 random(3);
  for (const std::uint32_t folds : {5U, 1U}) {
    const Zeros zeros(100, folds);
    double plain = 0;
    double nested = 0;
    constexpr int kTimes = 200;
    for (int time = 0; time < kTimes; ++time) {
      std::vector<Candidate> settings;
      for (int i = 0; i < 30; ++i) settings.push_back(zeros.Random(random));
      const auto choice = ChooseSetting("rmse", zeros.labels, zeros.plan, settings, 1);
      plain += choice.scores[choice.best].value / kTimes;
      nested += choice.score.value / kTimes;
    }
    EXPECT_LT(plain, 0.9) << folds;  // of a truth of 1
    EXPECT_NEAR(nested, 1, 0.02) << folds;
  }
}

TEST(NestedChoice, ARowsOwnAnswerInAnotherRepeatHasNoPartInItsChoice) {
  Zeros zeros(50);
  const auto once = zeros.plan.folds;
  zeros.plan.folds.insert(zeros.plan.folds.end(), once.begin(), once.end());
  const std::vector<Candidate> settings = {zeros.Of({0, 2, 2, 2, 2, 0, 2, 2, 2, 2}),
                                           zeros.Of({9, 1, 1, 1, 1, 9, 1, 1, 1, 1})};
  const auto choice = ChooseSetting("rmse", zeros.labels, zeros.plan, settings, 1);
  EXPECT_EQ(choice.answers[0][0], 9);
  EXPECT_EQ(choice.answers[5][0], 9);
}

TEST(NestedChoice, OfOneSettingThereIsNothingToChoose) {
  const Zeros zeros(50);
  const auto choice =
      ChooseSetting("rmse", zeros.labels, zeros.plan, {zeros.Of({1, 2, 1, 2, 1})}, 1);
  EXPECT_EQ(choice.score.value, choice.scores[0].value);
}

TEST(Race, IsLostByWhatIsFarBehindWithEachSettingAndNotByChance) {
  const Zeros zeros(100);
  std::mt19937 random(4);
  const Candidate leader = zeros.Random(random);
  Candidate equal = zeros.Random(random);
  Candidate far = zeros.Random(random);
  for (auto& fold : far.answers) {
    for (double& a : fold) a *= 3;
  }
  const auto lost = [&](std::vector<Candidate> settings, std::size_t folds) {
    for (Candidate& c : settings) c.answers.resize(folds);
    return HasLost("rmse", zeros.labels, zeros.plan, leader.answers, settings);
  };
  EXPECT_FALSE(lost({far}, 1)) << "one fold is too few";
  EXPECT_TRUE(lost({far}, 2));
  EXPECT_FALSE(lost({far, equal}, 2));
  EXPECT_FALSE(lost({equal}, 4));
  EXPECT_FALSE(lost({far}, 5)) << "all folds are run: the board has them";
}

// The network took nearly all of auto's time on a thousand rows, mostly to show that it was not
// ahead.
TEST(Race, ADearLearnerMustBeAheadAfterTwoFolds) {
  const Zeros zeros(100);
  std::mt19937 random(4);
  const Candidate leader = zeros.Random(random);
  const auto lost = [&](double times, std::size_t folds) {
    Candidate c = leader;
    for (auto& fold : c.answers) {
      for (double& a : fold) a *= times;
    }
    c.answers.resize(folds);
    return HasLost("rmse", zeros.labels, zeros.plan, leader.answers, {c}, true);
  };
  EXPECT_TRUE(lost(3, 1));
  for (const std::size_t folds : {2U, 4U}) {
    EXPECT_TRUE(lost(1.001, folds));
    EXPECT_FALSE(lost(0.999, folds));
    EXPECT_FALSE(lost(1, folds)) << "as good as the leader";
  }
  EXPECT_FALSE(lost(0.999, 1));
  EXPECT_FALSE(lost(3, 5)) << "all folds are run: the board has them";
}

// Three answers to a row counted as three rows, so that a difference of luck was taken for sure.
TEST(Race, RepeatsAndGroupsMakeNothingSurer) {
  Zeros zeros(100);
  const auto once = zeros.plan.folds;
  for (int repeat = 1; repeat < 3; ++repeat) {
    zeros.plan.folds.insert(zeros.plan.folds.end(), once.begin(), once.end());
  }
  std::mt19937 random(4);
  const Candidate leader = zeros.Random(random);
  Candidate far = leader;
  for (auto& fold : far.answers) {
    for (double& a : fold) a *= 3;
  }
  const auto lost = [&](std::size_t folds) {
    Candidate c = far;
    c.answers.resize(folds);
    return HasLost("rmse", zeros.labels, zeros.plan, leader.answers, {c});
  };
  EXPECT_TRUE(lost(4));
  EXPECT_TRUE(lost(5)) << "further repeats are spared";
  EXPECT_FALSE(lost(6));
  EXPECT_FALSE(lost(14));
  for (std::uint32_t r = 0; r < 100; ++r) zeros.labels.group.push_back(r / 50);
  EXPECT_FALSE(lost(4)) << "a hundred rows of two groups are two, not a hundred";
}

}  // namespace
}  // namespace penstock::train
