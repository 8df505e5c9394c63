#include "components/train/mlp/plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "components/train/mlp/testing/tables.h"

namespace penstock::train {
namespace {

TEST(MlpPlan, GivesSmallTablesSmallBatchesAndEnoughSteps) {
  for (const std::size_t rows : {100U, 500U, 3000U, 10'000U}) {
    const Plan plan = MakePlans({}, rows, 20, Classes(2)).back();
    const auto steps = (std::int64_t(rows) + plan.batch_size - 1) / plan.batch_size * plan.epochs;
    EXPECT_GE(steps, 200) << rows;
    EXPECT_LE(steps, 1200) << rows;
    EXPECT_GE(plan.networks, rows <= 3000 ? 4 : 2) << rows;
  }
}

TEST(MlpPlan, KeepsALargeTableWithinItsBudget) {
  for (const std::size_t rows : {100'000U, 1'000'000U, 5'000'000U}) {
    const Plan plan = MakePlans({}, rows, 50, Classes(2)).back();
    EXPECT_LE(TrainingCost(plan, rows, 50, Classes(2)), 1e12) << rows;
    EXPECT_GE(plan.epochs, 3) << rows;
  }
}

TEST(MlpPlan, DoesWhatTheUserSays) {
  MlpOptions options;
  options.hidden = {5, 4};
  options.dropout = 0.5;
  options.weight_decay = 0.25;
  options.epochs = 7;
  options.batch_size = 50;
  options.networks = 3;
  options.label_smoothing = 0.1;
  const auto plans = MakePlans(options, 1000, 10, Classes(2));
  ASSERT_EQ(plans.size(), 1U);
  const Plan& plan = plans[0];
  EXPECT_EQ(plan.hidden, (std::vector<std::int64_t>{5, 4}));
  EXPECT_EQ(plan.dropout, 0.5);
  EXPECT_EQ(plan.weight_decay, 0.25);
  EXPECT_EQ(plan.epochs, 7);
  EXPECT_EQ(plan.batch_size, 50);
  EXPECT_EQ(plan.networks, 3);
  EXPECT_EQ(plan.label_smoothing, 0.1);
  EXPECT_EQ(MakePlans(options, 20, 10, Classes(2))[0].batch_size, 20);
  EXPECT_EQ(EpochLadder(options, plan), std::vector<int>{7});
  options.hidden = std::vector<std::int64_t>{};
  EXPECT_EQ(MakePlans(options, 1000, 10, Classes(2))[0].networks, 1);
}

TEST(MlpPlan, HasADirectPathButForManyClassesOrWhereNothingIsHidden) {
  EXPECT_TRUE(MakePlans({}, 1000, 10, Values())[0].direct);
  EXPECT_TRUE(MakePlans({}, 1000, 10, Classes(10))[0].direct);
  EXPECT_FALSE(MakePlans({}, 1000, 10, Classes(100))[0].direct);
  MlpOptions options;
  options.hidden = std::vector<std::int64_t>{};
  EXPECT_FALSE(MakePlans(options, 1000, 10, Values())[0].direct);
}

TEST(MlpPlan, TriesAShortAMiddlingAndALongCycle) {
  Plan plan;
  plan.epochs = 120;
  EXPECT_EQ(EpochLadder({}, plan), (std::vector<int>{13, 40, 120}));
  plan.epochs = 10;
  EXPECT_EQ(EpochLadder({}, plan), (std::vector<int>{3, 10}));
  plan.epochs = 3;
  EXPECT_EQ(EpochLadder({}, plan), (std::vector<int>{3}));
}

TEST(MlpPlan, IsReadFromItsSettingAndNothingElseIs) {
  const auto plans = MakePlans({}, 1000, 10, Classes(2));
  std::set<std::string> ids;
  for (const Plan& plan : plans) {
    EXPECT_EQ(ParseSetting(ToSetting(plan)).value(), plan);
    ids.insert(plan.id);
  }
  EXPECT_EQ(ids.size(), plans.size());
  EXPECT_GT(plans.size(), 1U);
  EXPECT_FALSE(ParseSetting(Json{{"id", "linear"}}));
  Json broken = ToSetting(plans[0]);
  broken["epochs"] = 0;
  EXPECT_FALSE(ParseSetting(broken));
}

// All settings; what one does is known from its description.
TEST(MlpPlan, CostIsThatOfAllItsSettingsAndTheirSteps) {
  const auto table = Line(700, 1);
  const auto learner = MakeMlp({});
  const auto context = ContextOf(table, Values());
  double cost = 0;
  for (const Plan& plan : MakePlans({}, 700, 2, Values())) {
    for (const int epochs : EpochLadder({}, plan)) {
      const auto fitted = learner->Fit(table.rows(), ToSetting(plan), epochs, context);
      ASSERT_TRUE(fitted) << fitted.error().message;
      cost += (*fitted)->Describe()["multiplyAdds"].get<double>() / 1e7;
      cost += 0.4 * (100 + double(epochs) * std::ceil(700.0 / double(plan.batch_size)));
    }
  }
  const std::vector<sdk::Feature> features = {{"a", 0}, {"b", 0}};
  EXPECT_LT(learner->Cost(700, features, Values()), 1.2 * cost);
  EXPECT_GT(learner->Cost(700, features, Values()), cost / 1.2);
}

// 64 ids of one table make one vector, not 64 numbers: it cost what nobody computed, and auto left
// networks of texts out.
TEST(MlpPlan, ATextsTokensCostTheVectorThatIsMadeOfThem) {
  std::vector<sdk::Feature> text;
  for (int i = 0; i < 64; ++i) {
    text.push_back({"text", 1'000, false, i == 0 ? 64 : -1});
  }
  const std::vector<sdk::Feature> one_id = {{"id", 1'000}};
  const std::vector<sdk::Feature> numbers(64, {"number", 0});
  const auto learner = MakeMlp({});
  EXPECT_EQ(learner->Cost(700, text, Values()), learner->Cost(700, one_id, Values()));
  EXPECT_EQ(learner->Cost(700, one_id, Values()), learner->Cost(700, numbers, Values()))
      << "an id of 1,000 is a vector of 64";
}

}  // namespace
}  // namespace penstock::train
