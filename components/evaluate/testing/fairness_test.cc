#include "components/evaluate/fairness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace penstock::evaluate {
namespace {

// Groups with so many rows of (decided, actual).
struct Cell {
  Json group;
  int tp, fp, fn, tn;
};

struct Made {
  Scored scored;
  sdk::SliceColumn by;
};

Made Of(const std::vector<Cell>& cells) {
  Made made;
  made.scored.manifest.task = sdk::ModelTask::kClassification;
  made.scored.manifest.classes = {"no", "yes"};
  made.by.name = "gender";
  for (std::size_t g = 0; g < cells.size(); ++g) {
    made.by.values.push_back(cells[g].group);
    const auto add = [&](int times, float decided, float actual) {
      for (int i = 0; i < times; ++i) {
        made.scored.raw.push_back(decided);
        made.scored.labels.push_back(actual);
        made.by.codes.push_back(std::uint32_t(g));
      }
    };
    add(cells[g].tp, 1, 1), add(cells[g].fp, 1, 0), add(cells[g].fn, 0, 1), add(cells[g].tn, 0, 0);
  }
  return made;
}

FairGap Gap(const Fairness& fairness, const std::string& criterion) {
  for (const auto& gap : fairness.gaps) {
    if (gap.criterion == criterion) return gap;
  }
  ADD_FAILURE() << criterion;
  return {};
}

Fairness One(const std::vector<Cell>& cells, const FairnessOptions& options = {}) {
  const Made made = Of(cells);
  const auto all = FairnessOf(made.scored, made.by, options);
  EXPECT_EQ(all.size(), 1U);
  return all.at(0);
}

TEST(Fairness, HasTheGapsThatTheTablesGive) {
  // a: selected 60 of 100, TPR 50/60, FPR 10/40. b: 30 of 100, TPR 20/50, FPR 10/50.
  const auto f = One({{"a", 50, 10, 10, 30}, {"b", 20, 10, 30, 40}});
  EXPECT_NEAR(*Gap(f, "demographicParity").value, 0.3, 1e-12);
  EXPECT_NEAR(*Gap(f, "equalOpportunity").value, 50.0 / 60 - 0.4, 1e-12);
  EXPECT_NEAR(*Gap(f, "equalisedOdds").value, 50.0 / 60 - 0.4, 1e-12);
  EXPECT_EQ(Gap(f, "equalisedOdds").rate, "truePositive");
  EXPECT_NEAR(*Gap(f, "fourFifths").value, 0.5, 1e-12);
  EXPECT_EQ(Gap(f, "fourFifths").least, "b");
  EXPECT_EQ(f.positive, "yes");
}

TEST(Fairness, TakesTheFalsePositivesWhereTheirGapIsTheLarger) {
  const auto f = One({{"a", 40, 30, 10, 20}, {"b", 40, 5, 10, 45}});
  EXPECT_NEAR(*Gap(f, "equalOpportunity").value, 0, 1e-12);
  EXPECT_NEAR(*Gap(f, "equalisedOdds").value, 0.6 - 0.1, 1e-12);
  EXPECT_EQ(Gap(f, "equalisedOdds").rate, "falsePositive");
}

TEST(Fairness, KeepsNullApartAndSaysWhichGroupsAreTooSmall) {
  const auto f = One(
      {{"a", 50, 10, 10, 30}, {"b", 40, 10, 10, 40}, {Json(), 0, 0, 50, 50}, {"few", 0, 0, 5, 5}});
  EXPECT_NEAR(*Gap(f, "demographicParity").value, 0.1, 1e-12);
  EXPECT_EQ(f.groups.size(), 4U);
  EXPECT_TRUE(f.groups[3].small);
  EXPECT_FALSE(f.groups[2].small);
  EXPECT_EQ(f.groups[2].selection, 0.0);
  const auto alone = One({{"a", 50, 10, 10, 30}, {"few", 0, 0, 5, 5}});
  EXPECT_FALSE(Gap(alone, "demographicParity").value);
  EXPECT_EQ(Gap(alone, "demographicParity").why, "fewer than two groups have rows enough");
}

TEST(Fairness, HasIntervalsOfTheWidthOfTwoShares) {
  const auto f = One({{"a", 500, 100, 100, 300}, {"b", 200, 100, 300, 400}});
  const auto gap = Gap(f, "demographicParity");
  const double error = std::sqrt(0.6 * 0.4 / 1000 + 0.3 * 0.7 / 1000);
  EXPECT_NEAR(gap.low, 0.3 - 1.96 * error, 0.006);
  EXPECT_NEAR(gap.high, 0.3 + 1.96 * error, 0.006);
  // Equal groups: chance is within it.
  const auto equal = Gap(One({{"a", 30, 30, 20, 20}, {"b", 29, 30, 21, 20}}), "demographicParity");
  EXPECT_LT(equal.low, 0);
  EXPECT_GT(equal.high, 0);
}

TEST(Fairness, CountsWeights) {
  Made made = Of({{"a", 50, 0, 50, 0}, {"b", 50, 0, 50, 0}});
  made.scored.weights.assign(200, 1);
  for (int i = 0; i < 50; ++i)
    made.scored.weights[std::size_t(i)] = 3;  // those of a that are selected
  const auto f = FairnessOf(made.scored, made.by, {}).at(0);
  EXPECT_NEAR(*Gap(f, "demographicParity").value, 0.75 - 0.5, 1e-12);
}

TEST(Fairness, OfSeveralClassesIsTheWorstAndOfARegressionNone) {
  Made made;
  made.scored.manifest.task = sdk::ModelTask::kClassification;
  made.scored.manifest.classes = {"x", "y", "z"};
  made.by = {"g", {"a", "b"}, {}, {}};
  for (int i = 0; i < 200; ++i) {
    const int decided = i < 100 ? i % 3 : 2 * (i % 2);  // b never gets y
    for (int k = 0; k < 3; ++k) made.scored.raw.push_back(k == decided ? 1 : 0);
    made.scored.labels.push_back(float(i % 3));
    made.by.codes.push_back(i < 100 ? 0 : 1);
  }
  const auto all = FairnessOf(made.scored, made.by, {});
  ASSERT_EQ(all.size(), 3U);
  const Json values = FairnessValues(all);
  EXPECT_EQ(values["g"]["fourFifths"], 0);
  EXPECT_NEAR(values["g"]["demographicParity"].get<double>(), 0.33, 0.01);
  made.scored.manifest.task = sdk::ModelTask::kRegression;
  EXPECT_TRUE(FairnessOf(made.scored, made.by, {}).empty());
}

}  // namespace
}  // namespace penstock::evaluate
