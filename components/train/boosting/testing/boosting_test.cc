// What boosting learns, by rows whose answer is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "components/model/backend.h"
#include "components/train/boosting/testing/boosting_data.h"
#include "components/train/learner.h"

namespace penstock::train {
namespace {

using testing::HasSubstr;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

double ExclusiveOr(float* row, std::mt19937& /*random*/) {
  return (row[0] > 0.5F) != (row[1] > 0.5F) ? 1 : 0;
}

TEST(Boosting, LearnsWhatNoLineParts) {
  const Table table = MakeTable(1000, 3, 1, ExclusiveOr);
  const auto fitted = Fit(table, ContextOf(table, Classes(2)));
  const auto p =
      fitted
          ->Answer(MatrixOf(
              {{0.2F, 0.2F, 0.5F}, {0.2F, 0.8F, 0.5F}, {0.8F, 0.2F, 0.5F}, {0.8F, 0.8F, 0.5F}}))
          .value();
  EXPECT_LT(p[0], 0.1);
  EXPECT_GT(p[1], 0.9);
  EXPECT_GT(p[2], 0.9);
  EXPECT_LT(p[3], 0.1);
}

// Twenty codes in no order; as numbers, one split of a tree of depth 1 could not part them.
TEST(Boosting, PartsCodesOfCategoriesAsASetAndNotByTheirOrder) {
  Table table = MakeTable(4000, 2, 2, [](float* row, std::mt19937& random) {
    row[0] = float(random() % 20);
    return int(row[0]) % 2 == 0 ? 1 : 0;
  });
  const auto one_split = [&] {
    const auto fitted = Fit(table, ContextOf(table, Classes(2)), Setting(1), 40);
    double worst = 1;
    for (int code = 0; code < 20; ++code) {
      const double p = fitted->Answer(MatrixOf({{float(code), 0.5F}})).value()[0];
      worst = std::min(worst, code % 2 == 0 ? p : 1 - p);
    }
    return worst;
  };
  EXPECT_LT(one_split(), 0.6);
  table.features[0].cardinality = 21;
  EXPECT_GT(one_split(), 0.9);
}

// The tree view gives what training did not see the last code; where training had rows of it (rare
// values), it is learnt as any other.
TEST(Boosting, AnswersACategoryThatTrainingDidNotSeeWithinWhatItSaw) {
  Table table = MakeTable(2000, 1, 3, [](float* row, std::mt19937& random) {
    row[0] = float(random() % 6);
    return double(row[0]) * 10;
  });
  table.features[0].cardinality = 7;
  const auto fitted = Fit(table, ContextOf(table, Regression(Loss::kSquared)));
  const auto seen = fitted->Answer(MatrixOf({{0}, {5}})).value();
  EXPECT_NEAR(seen[0], 0, 1);
  EXPECT_NEAR(seen[1], 50, 1);
  const double unseen = fitted->Answer(MatrixOf({{6}})).value()[0];
  EXPECT_GE(unseen, -1);
  EXPECT_LE(unseen, 51);
  EXPECT_EQ(unseen, fitted->Answer(MatrixOf({{500}})).value()[0]) << "beyond the cardinality, too";

  for (std::size_t i = 0; i < 200; ++i) {
    table.x.data[i] = 6;
    table.y[i] = 35;
  }
  const auto pooled = Fit(table, ContextOf(table, Regression(Loss::kSquared)));
  EXPECT_NEAR(pooled->Answer(MatrixOf({{6}})).value()[0], 35, 1);
}

TEST(Boosting, LearnsTheWayOfMissingValuesOfNumbersAndCategories) {
  for (const std::int64_t cardinality : {0, 6}) {
    Table table = MakeTable(3000, 2, 4, [](float* row, std::mt19937& random) {
      row[0] = float(random() % 5);
      const double label = row[0] >= 3 ? 1 : 0;
      if (random() % 4 != 0) return label;
      row[0] = kMissing;
      return 1.0;
    });
    table.features[0].cardinality = cardinality;
    const auto fitted = Fit(table, ContextOf(table, Classes(2)));
    const auto p = fitted->Answer(MatrixOf({{kMissing, 0.5F}, {0, 0.5F}, {4, 0.5F}})).value();
    EXPECT_GT(p[0], 0.9) << cardinality;
    EXPECT_LT(p[1], 0.1) << cardinality;
    EXPECT_GT(p[2], 0.9) << cardinality;
  }
}

TEST(Boosting, CountsARowAsOftenAsItsWeightSaysAtAnyScale) {
  Table table = MakeTable(2000, 1, 5, [](float* row, std::mt19937& /*random*/) {
    row[0] = 0;
    return 0.0;
  });
  for (std::size_t i = 0; i < table.y.size(); ++i) {
    table.y[i] = i % 2 == 0 ? 1 : 0;
    table.weight.push_back(i % 2 == 0 ? 3 : 1);
  }
  const auto x = MatrixOf({{0}});
  const double p = Fit(table, ContextOf(table, Classes(2)))->Answer(x).value()[0];
  EXPECT_NEAR(p, 0.75, 1e-3);
  for (double& w : table.weight) w *= 1e-6;
  EXPECT_NEAR(Fit(table, ContextOf(table, Classes(2)))->Answer(x).value()[0], p, 1e-6);
  for (std::size_t i = 0; i < table.y.size(); ++i) table.weight[i] = i % 2 == 0 ? 0 : 1;
  EXPECT_LT(Fit(table, ContextOf(table, Classes(2)))->Answer(x).value()[0], 0.01);
}

// The label is 1 to 10, ten times as often small as not, and 1,000 once in a hundred.
Table Skewed() {
  return MakeTable(5000, 1, 6, [](float* row, std::mt19937& random) {
    row[0] = 0.5F;
    return random() % 100 == 0 ? 1000.0 : 1 + 9 * Unit(random) * Unit(random);
  });
}

TEST(Boosting, AnswersWithWhatMakesItsLossLeast) {
  const Table table = Skewed();
  std::vector<double> sorted = table.y;
  std::sort(sorted.begin(), sorted.end());
  double mean = 0;
  for (const double y : table.y) mean += y / double(table.y.size());
  const auto x = MatrixOf({{0.5F}});
  const auto answer = [&](Target target) {
    return Fit(table, ContextOf(table, target), Setting(), 200)->Answer(x).value()[0];
  };
  EXPECT_NEAR(answer(Regression(Loss::kSquared)), mean, 0.01 * mean);
  EXPECT_NEAR(answer(Regression(Loss::kAbsolute)), sorted[2500], 0.05);
  Target target = Regression(Loss::kPoisson);
  EXPECT_NEAR(answer(target), mean, 0.01 * mean);
  target = Regression(Loss::kQuantile);
  target.quantile = 0.9;
  EXPECT_NEAR(answer(target), sorted[4500], 0.05);
  target = Regression(Loss::kHuber);
  target.delta = 0.05;  // of a deviation of about 100
  EXPECT_GT(answer(target), sorted[2500]);
  EXPECT_LT(answer(target), 5);
}

TEST(Boosting, LearnsALineOfEachLoss) {
  for (const Loss loss :
       {Loss::kSquared, Loss::kAbsolute, Loss::kHuber, Loss::kPoisson, Loss::kQuantile}) {
    const Table table = MakeTable(
        2000, 2, 8, [](float* row, std::mt19937& /*random*/) { return 1 + 10 * double(row[0]); });
    const auto fitted = Fit(table, ContextOf(table, Regression(loss)), Setting(), 150);
    const auto y = fitted->Answer(MatrixOf({{0.1F, 0.5F}, {0.9F, 0.5F}})).value();
    EXPECT_NEAR(y[0], 2, 0.4) << int(loss);
    EXPECT_NEAR(y[1], 10, 0.4) << int(loss);
  }
}

TEST(Boosting, KnowsClassesThatTrainingRowsHaveNotAndNumbersInNoOrder) {
  const Table table = MakeTable(1500, 2, 9, [](float* row, std::mt19937& /*random*/) {
    return row[0] < 0.3F ? 3.0 : row[0] < 0.6F ? 0.0 : 2.0;  // never 1
  });
  const auto fitted = Fit(table, ContextOf(table, Classes(4)));
  const auto p = fitted->Answer(MatrixOf({{0.1F, 0}, {0.5F, 0}, {0.9F, 0}})).value();
  ASSERT_EQ(p.size(), 12U);
  EXPECT_GT(p[3], 0.9);
  EXPECT_GT(p[4], 0.9);
  EXPECT_GT(p[10], 0.9);
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_LT(p[row * 4 + 1], 0.01);
    EXPECT_NEAR(p[row * 4] + p[row * 4 + 1] + p[row * 4 + 2] + p[row * 4 + 3], 1, 1e-6);
  }
}

TEST(Boosting, OfOneLabelAnswersWithIt) {
  Table table = MakeTable(300, 2, 10, [](float*, std::mt19937&) { return 0.0; });
  const auto x = MatrixOf({{0.5F, 0.5F}});
  EXPECT_LT(Fit(table, ContextOf(table, Classes(2)))->Answer(x).value()[0], 0.01);
  EXPECT_LT(Fit(table, ContextOf(table, Regression(Loss::kPoisson)))->Answer(x).value()[0], 0.01);
  EXPECT_GT(Fit(table, ContextOf(table, Classes(3)))->Answer(x).value()[0], 0.98);
  for (const Loss loss :
       {Loss::kSquared, Loss::kAbsolute, Loss::kHuber, Loss::kPoisson, Loss::kQuantile}) {
    std::fill(table.y.begin(), table.y.end(), 42.0);
    EXPECT_NEAR(Fit(table, ContextOf(table, Regression(loss)))->Answer(x).value()[0], 42, 1e-3)
        << int(loss);
  }
}

TEST(Boosting, SavesWhatTheBackEndAnswersTheSame) {
  const std::string folder = testing::TempDir() + "boosting." + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  for (const std::size_t classes : {2, 3}) {
    Table table = MakeTable(800, 3, 11, [&](float* row, std::mt19937& random) {
      row[0] = float(random() % 5);
      if (random() % 5 == 0) row[1] = kMissing;
      return double(random() % classes);
    });
    table.features[0].cardinality = 6;
    const auto fitted = Fit(table, ContextOf(table, Classes(classes)), Setting(4, 0.7));
    sdk::ModelManifest manifest;
    ASSERT_TRUE(fitted->Save(folder, manifest));
    EXPECT_EQ(manifest.backend, "xgboost");
    const auto backend = model::LoadXgboost(folder + "/" + manifest.file);
    ASSERT_TRUE(backend) << backend.error().message;
    std::vector<float> values(table.x.data.get(), table.x.data.get() + 800 * 3);
    values[0] = 5;  // a code that training did not see
    table.x.data[0] = 5;
    const auto served = (*backend)->Run({{"x", model::Datatype::kFp32, {800, 3}, values}});
    ASSERT_TRUE(served) << served.error().message;
    const auto& floats = std::get<std::vector<float>>(served->front().data);
    EXPECT_EQ(std::vector<double>(floats.begin(), floats.end()), fitted->Answer(table.x).value());
  }
  std::filesystem::remove_all(folder);
}

TEST(Boosting, TriesTheSameSettingsInEveryFoldWithAnswersOfTheHeldOutRows) {
  const Table table = MakeTable(600, 3, 12, ExclusiveOr);
  const Table held_out = MakeTable(150, 3, 13, ExclusiveOr);
  const Context context = ContextOf(table, Classes(2));
  const auto learner = MakeBoosting({});
  const auto trials = learner->Try(table.rows(), held_out.rows(), context);
  ASSERT_TRUE(trials) << trials.error().message;
  const Table other = MakeTable(601, 3, 14, ExclusiveOr);
  const Table other_out = MakeTable(149, 3, 15, ExclusiveOr);
  const auto again = learner->Try(other.rows(), other_out.rows(), context);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(trials->size(), again->size());
  double least = 1;
  std::size_t best = 0;
  for (std::size_t i = 0; i < trials->size(); ++i) {
    EXPECT_EQ((*trials)[i].setting, (*again)[i].setting);
    ASSERT_EQ((*trials)[i].answers.size(), held_out.y.size());
    double wrong = 0;
    for (std::size_t r = 0; r < held_out.y.size(); ++r)
      wrong += ((*trials)[i].answers[r] > 0.5) != (held_out.y[r] > 0.5) ? 1.0 / 150 : 0;
    if (wrong < least) best = i;
    least = std::min(least, wrong);
  }
  EXPECT_LT(least, 0.05);
  // and a trial is what Fit makes of its setting and rounds, also one after an early end
  for (const Trial& trial : {(*trials)[best], trials->back()}) {
    const auto fitted = learner->Fit(table.rows(), trial.setting, trial.rounds, context);
    ASSERT_TRUE(fitted) << fitted.error().message;
    EXPECT_EQ((*fitted)->Answer(held_out.x).value(), trial.answers);
  }
}

TEST(Boosting, TakesTheUsersRoundsDepthAndRate) {
  const Table table = MakeTable(400, 3, 16, ExclusiveOr);
  const Context context = ContextOf(table, Classes(2));
  BoostingOptions options;
  options.rounds = 12;
  options.depth = 2;
  options.learning_rate = 0.3;
  const auto learner = MakeBoosting(options);
  const auto trials = learner->Try(table.rows(), table.rows(), context);
  ASSERT_TRUE(trials) << trials.error().message;
  for (const Trial& trial : *trials) {
    EXPECT_EQ(trial.rounds, 12);
    EXPECT_EQ(trial.setting["depth"], 2);
    EXPECT_EQ(trial.setting["learningRate"], 0.3);
  }
  const auto fitted = learner->Fit(table.rows(), trials->front().setting, 15, context);
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_EQ((*fitted)->Describe()["rounds"], 12) << "more rows do not make them more";
}

TEST(Boosting, NamesTheFeaturesThatItsSplitsGainBy) {
  const Table table = MakeTable(1000, 3, 1, ExclusiveOr);
  const Json gain = Fit(table, ContextOf(table, Classes(2)))->Describe()["gain"];
  EXPECT_GT(gain["f0"].get<double>() + gain["f1"].get<double>(), 0.9);
}

TEST(Boosting, RefusesNegativeCountsAndLabelsBeyondFloat32ByRow) {
  Table table = MakeTable(10, 1, 17, [](float*, std::mt19937&) { return 1.0; });
  table.y[4] = -1;
  auto fitted = MakeBoosting({})->Fit(table.rows(), Setting(), 5,
                                      ContextOf(table, Regression(Loss::kPoisson)));
  ASSERT_FALSE(fitted);
  EXPECT_THAT(fitted.error().message, HasSubstr("row 4 of training has the label -1"));
  table.y[4] = 1e300;
  fitted = MakeBoosting({})->Fit(table.rows(), Setting(), 5,
                                 ContextOf(table, Regression(Loss::kSquared)));
  ASSERT_FALSE(fitted);
  EXPECT_THAT(fitted.error().message, HasSubstr("row 4"));
}

TEST(Boosting, OfOneFeatureAndOfFewRowsIsDefined) {
  const Table table =
      MakeTable(5, 1, 18, [](float* row, std::mt19937&) { return row[0] > 0.5F ? 1.0 : 0.0; });
  const auto p = Fit(table, ContextOf(table, Classes(2)), Setting(6, 0.5), 20)->Answer(table.x);
  ASSERT_TRUE(p);
  for (const double value : *p) {
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 1);
  }
}

}  // namespace
}  // namespace penstock::train
