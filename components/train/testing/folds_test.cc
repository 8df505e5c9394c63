#include "components/train/folds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace penstock::train {
namespace {

Labels Classes(std::size_t train, std::size_t valid, std::size_t every) {
  Labels labels;
  labels.target.classes = 2;
  labels.train_rows = train;
  for (std::size_t r = 0; r < train + valid; ++r) labels.y.push_back(r % every == 0 ? 1 : 0);
  return labels;
}

TEST(Folds, EnoughValidRowsAreUsedAlone) {
  const auto plan = PlanFolds(Classes(5000, 2000, 10), 0, true, 1);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->valid_alone);
  ASSERT_EQ(plan->folds.size(), 1U);
  EXPECT_EQ(plan->folds[0].train.size(), 5000U);
  EXPECT_EQ(plan->folds[0].held_out.front(), 5000U);
}

TEST(Folds, ValidWithGroupsOfTrainIsSaidToJudgeTooKindly) {
  Labels labels = Classes(5000, 2000, 10);
  for (std::uint32_t r = 0; r < 7000; ++r) labels.group.push_back(r);
  EXPECT_EQ(PlanFolds(labels, 0, true, 1)->why.find("too kindly"), std::string::npos);
  labels.group[5001] = labels.group[5002] = 7;
  EXPECT_NE(PlanFolds(labels, 0, true, 1)->why.find("of these 2 are of groups that train has"),
            std::string::npos);
}

TEST(Folds, TooFewValidRowsOrTooFewOfAClassMakeFiveFolds) {
  EXPECT_EQ(PlanFolds(Classes(5000, 1999, 10), 0, true, 1)->folds.size(), 5U);
  EXPECT_EQ(PlanFolds(Classes(5000, 2000, 11), 0, true, 1)->folds.size(), 5U);
  EXPECT_EQ(PlanFolds(Classes(5000, 3000, 10), 3, true, 1)->folds.size(), 3U);
}

TEST(Folds, APartIsEnoughByTheSameRowsAsValid) {
  const Labels labels = Classes(12'000, 0, 10);
  std::vector<std::uint32_t> rows(2000);
  std::iota(rows.begin(), rows.end(), 0U);
  EXPECT_TRUE(IsEnough(labels, rows));
  rows.erase(rows.begin());  // 1,999, and 199 of class 1
  EXPECT_FALSE(IsEnough(labels, rows));
  rows.push_back(2001);  // 2,000 of them
  EXPECT_FALSE(IsEnough(labels, rows));
}

TEST(Folds, FewRowsAreFoldedSeveralTimesWhereACandidateIsChosen) {
  EXPECT_EQ(PlanFolds(Classes(999, 0, 3), 0, true, 1)->repeats(), 2U);
  EXPECT_EQ(PlanFolds(Classes(499, 0, 3), 0, true, 1)->repeats(), 3U);
  EXPECT_EQ(PlanFolds(Classes(499, 0, 3), 0, false, 1)->repeats(), 1U);
  EXPECT_EQ(PlanFolds(Classes(1000, 0, 3), 0, true, 1)->repeats(), 1U);
}

TEST(Folds, EachRowIsHeldOutOnceARepeatAndNeverWhereItIsLearntFrom) {
  const auto plan = PlanFolds(Classes(101, 7, 9), 0, true, 3);
  ASSERT_TRUE(plan);
  for (std::size_t n = 0; n < plan->repeats(); ++n) {
    std::multiset<std::uint32_t> seen;
    for (std::size_t f = 0; f < plan->a_repeat; ++f) {
      const Fold& fold = plan->folds[n * plan->a_repeat + f];
      seen.insert(fold.held_out.begin(), fold.held_out.end());
      EXPECT_EQ(fold.held_out.size() + fold.train.size(), 108U);
      for (const auto r : fold.held_out) {
        EXPECT_FALSE(std::binary_search(fold.train.begin(), fold.train.end(), r));
      }
    }
    EXPECT_EQ(seen.size(), 108U);
    EXPECT_EQ(std::set<std::uint32_t>(seen.begin(), seen.end()).size(), 108U);
  }
}

TEST(Folds, ARareClassIsSpreadEvenly) {
  const Labels labels = Classes(1000, 0, 100);  // ten of it
  const auto plan = PlanFolds(labels, 0, true, 7);
  for (const Fold& fold : plan->folds) {
    EXPECT_EQ(std::count_if(fold.held_out.begin(), fold.held_out.end(),
                            [&](auto r) { return labels.y[r] == 1; }),
              2);
  }
}

TEST(Folds, AGroupIsNeverCutAndItsClassesAreSpread) {
  Labels labels = Classes(600, 0, 2);
  for (std::size_t r = 0; r < 600; ++r) labels.group.push_back(std::uint32_t(r / 6));
  const auto plan = PlanFolds(labels, 0, false, 7);
  ASSERT_TRUE(plan);
  for (const Fold& fold : plan->folds) {
    std::set<std::uint32_t> held;
    for (const auto r : fold.held_out) held.insert(labels.group[r]);
    for (const auto r : fold.train) EXPECT_FALSE(held.contains(labels.group[r]));
    EXPECT_EQ(fold.held_out.size(), 120U);
  }
}

TEST(Folds, TheSeedAndNothingElseChoosesThem) {
  const Labels labels = Classes(50, 0, 2);
  const auto a = PlanFolds(labels, 0, false, 1);
  const auto b = PlanFolds(labels, 0, false, 1);
  const auto c = PlanFolds(labels, 0, false, 2);
  EXPECT_EQ(a->folds[0].held_out, b->folds[0].held_out);
  EXPECT_NE(a->folds[0].held_out, c->folds[0].held_out);
}

TEST(Folds, TooFewRowsOrOneGroupAreRefused) {
  EXPECT_NE(PlanFolds(Classes(3, 0, 2), 0, true, 1).error().message.find("3 rows"),
            std::string::npos);
  Labels one = Classes(30, 0, 2);
  one.group.assign(30, 4);
  EXPECT_NE(PlanFolds(one, 0, true, 1).error().message.find("one group"), std::string::npos);
}

}  // namespace
}  // namespace penstock::train
