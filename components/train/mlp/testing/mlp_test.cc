#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "components/train/mlp/plan.h"
#include "components/train/mlp/testing/tables.h"

namespace penstock::train {
namespace {

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

// Try for the rounds and Fit on the same rows, with one setting of three networks; answers of
// `test`.
std::vector<double> Learn(const TestTable& train, const TestTable& test, const Target& target,
                          MlpOptions options = {}) {
  if (!options.dropout) options.dropout = 0.1;
  if (!options.networks) options.networks = 3;
  const auto learner = MakeMlp(std::move(options));
  const Context context = ContextOf(train, target);
  const auto trials = learner->Try(train.rows(), test.rows(), context);
  EXPECT_TRUE(trials) << trials.error().message;
  const Trial& last = trials->back();  // the longest cycle
  const auto fitted = learner->Fit(train.rows(), last.setting, last.rounds, context);
  EXPECT_TRUE(fitted) << fitted.error().message;
  return (*fitted)->Answer(test.x).value();
}

double Accuracy(const std::vector<double>& answers, const std::vector<double>& y) {
  const std::size_t width = answers.size() / y.size();
  double right = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto* own = answers.data() + i * width;
    const double decided =
        width == 1 ? double(own[0] >= 0.5) : double(std::max_element(own, own + width) - own);
    right += decided == y[i] ? 1 : 0;
  }
  return right / double(y.size());
}

double Rmse(const std::vector<double>& answers, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += (answers[i] - y[i]) * (answers[i] - y[i]);
  return std::sqrt(sum / double(y.size()));
}

TEST(Mlp, LearnsXor) {
  const auto test = Xor(500, 2);
  EXPECT_GT(Accuracy(Learn(Xor(600, 1), test, Classes(2)), test.y), 0.95);
}

// The label's noise is 0.1 of its unit; its standard deviation about 2.2 of it.
TEST(Mlp, LearnsALineInTheLabelsOwnUnit) {
  for (const double scale : {1e-6, 1.0, 1e6}) {
    const auto test = Line(500, 2, scale);
    EXPECT_LT(Rmse(Learn(Line(600, 1, scale), test, Values()), test.y), 0.2 * scale) << scale;
  }
}

// A line of several numbers and few rows, with noise of 0.2 of its unit.
TEST(Mlp, IsNearerToALineByItsDirectPath) {
  const auto make = [](std::size_t rows, unsigned seed) {
    std::vector<sdk::Feature> features;
    for (int j = 0; j < 8; ++j) features.push_back({"f" + std::to_string(j), 0});
    return MakeTable(features, rows, seed, [](std::mt19937& random, float* row) {
      double y = 0;
      for (int j = 0; j < 8; ++j) {
        row[j] = Normal(random);
        y += (j - 3.5) / 4 * row[j];
      }
      return y + 0.2 * Normal(random);
    });
  };
  const auto train = make(100, 1);
  const auto test = make(500, 2);
  MlpOptions options;
  options.dropout = 0.1;
  options.epochs = 6;  // of few steps: with 60 epochs both are lines, one 2 % nearer
  options.networks = 3;
  const auto learner = MakeMlp(options);
  const Context context = ContextOf(train, Values());
  Json setting = ToSetting(MakePlans(options, 100, 8, Values())[0]);
  const auto rmse = [&](bool direct) {
    setting["direct"] = direct;
    const auto fitted = learner->Fit(train.rows(), setting, std::nullopt, context).value();
    return Rmse(fitted->Answer(test.x).value(), test.y);
  };
  const double with = rmse(true);
  EXPECT_LT(with, 0.95 * rmse(false)) << with;
}

TestTable ByCategory(std::size_t rows, unsigned seed) {
  return MakeTable({{"noise", 0}, {"id", 12}}, rows, seed, [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    row[1] = float(random() % 12);
    return double(int(row[1]) * 7 % 12 < 5);
  });
}

TEST(Mlp, LearnsACategoryByItsId) {
  const auto test = ByCategory(300, 2);
  EXPECT_GT(Accuracy(Learn(ByCategory(400, 1), test, Classes(2)), test.y), 0.98);
}

TestTable Rings(std::size_t rows, unsigned seed) {
  return MakeTable({{"a", 0}, {"b", 0}}, rows, seed, [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    row[1] = Normal(random);
    const double radius = std::hypot(row[0], row[1]);
    return radius < 0.8 ? 0.0 : radius < 1.5 ? 1.0 : 2.0;
  });
}

TEST(Mlp, LearnsSeveralClassesWhoseProbabilitiesSumToOne) {
  const auto test = Rings(500, 2);
  const auto answers = Learn(Rings(800, 1), test, Classes(3));
  EXPECT_GT(Accuracy(answers, test.y), 0.93);
  for (std::size_t i = 0; i < test.y.size(); ++i) {
    ASSERT_NEAR(answers[3 * i] + answers[3 * i + 1] + answers[3 * i + 2], 1, 1e-6);
  }
}

TEST(Mlp, GivesAClassWithoutRowsAProbabilityNearZero) {
  const auto train = Rings(500, 1);
  const auto answers = Learn(train, train, Classes(4));
  for (std::size_t i = 3; i < answers.size(); i += 4) ASSERT_LT(answers[i], 0.02);
  EXPECT_GT(Accuracy(answers, train.y), 0.93);
}

TEST(Mlp, AnswersAConstantLabelExactly) {
  auto train = Line(100, 1);
  std::fill(train.y.begin(), train.y.end(), 1234.5);
  MlpOptions options;
  options.epochs = 5;
  for (const Loss loss : {Loss::kSquared, Loss::kAbsolute, Loss::kHuber, Loss::kQuantile}) {
    for (const double a : Learn(train, train, Values(loss), options)) ASSERT_EQ(a, 1234.5);
  }
  std::fill(train.y.begin(), train.y.end(), 0);
  for (const double a : Learn(train, train, Values(Loss::kPoisson), options)) ASSERT_EQ(a, 0);
}

TEST(Mlp, FitsTwoRows) {
  auto train = Xor(2, 1);
  train.y = {0, 1};
  const auto setting = MakeMlp({})->Try(train.rows(), train.rows(), ContextOf(train, Classes(2)));
  ASSERT_TRUE(setting) << setting.error().message;
  const auto answers = Learn(train, train, Classes(2));
  EXPECT_LT(answers[0], 0.5);
  EXPECT_GT(answers[1], 0.5);
}

// exp(1 + 0.5 a): the mean of a Poisson draw.
TEST(Mlp, LearnsARateByPoissonAndRefusesANegativeLabel) {
  const auto make = [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    return double(std::poisson_distribution<int>(std::exp(1 + 0.5 * double(row[0])))(random));
  };
  auto train = MakeTable({{"a", 0}}, 2000, 1, make);
  const auto test = MakeTable({{"a", 0}}, 500, 2, make);
  const auto answers = Learn(train, test, Values(Loss::kPoisson));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (std::abs(test.x.data[i]) > 1.5) continue;
    ASSERT_NEAR(answers[i] / std::exp(1 + 0.5 * double(test.x.data[i])), 1, 0.2);
  }
  train.y[7] = -1;
  const auto bad =
      MakeMlp({})->Try(train.rows(), test.rows(), ContextOf(train, Values(Loss::kPoisson)));
  ASSERT_FALSE(bad);
  EXPECT_HAS(bad.error().message, "row 7");
}

TEST(Mlp, CoversTheQuantileThatItIsAskedFor) {
  const auto make = [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    return double(row[0]) + double(Normal(random)) * (row[0] > 0 ? 2 : 0.5);
  };
  const auto train = MakeTable({{"a", 0}}, 3000, 1, make);
  const auto test = MakeTable({{"a", 0}}, 3000, 2, make);
  for (const double quantile : {0.1, 0.5, 0.9}) {
    Target target = Values(Loss::kQuantile);
    target.quantile = quantile;
    const auto answers = Learn(train, test, target);
    double below = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) below += test.y[i] <= answers[i] ? 1 : 0;
    EXPECT_NEAR(below / double(answers.size()), quantile, 0.03) << quantile;
  }
}

// A tenth of the labels are 100 too high: the mean follows them, the median does not.
TEST(Mlp, AbsoluteAndHuberLossDoNotFollowOutliers) {
  auto train = Line(1000, 1);
  const auto test = Line(500, 2);
  for (std::size_t i = 0; i < train.y.size(); i += 10) train.y[i] += 100;
  Target huber = Values(Loss::kHuber);
  huber.delta = 0.02;
  EXPECT_GT(Rmse(Learn(train, test, Values()), test.y), 5);
  EXPECT_LT(Rmse(Learn(train, test, Values(Loss::kAbsolute)), test.y), 1.5);
  EXPECT_LT(Rmse(Learn(train, test, huber), test.y), 1.5);
}

// Of rows that nothing tells apart, three in four by weight are of class 1.
TEST(Mlp, AWeightCountsAsSoManyRows) {
  auto train = Line(400, 1);
  std::fill_n(train.x.data.get(), 800, 1.0F);
  for (std::size_t i = 0; i < train.y.size(); ++i) {
    train.y[i] = i % 2 == 0 ? 1 : 0;
    train.weight.push_back(i % 2 == 0 ? 3 : 1);
  }
  for (const double a : Learn(train, train, Classes(2))) ASSERT_NEAR(a, 0.75, 0.03);
}

TEST(Mlp, LabelSmoothingKeepsAnswersOffZeroAndOne) {
  auto train = Line(400, 1);
  for (std::size_t i = 0; i < train.y.size(); ++i) train.y[i] = train.x.data[2 * i] > 0 ? 1 : 0;
  const auto extreme = [&](double smoothing) {
    MlpOptions options;
    options.label_smoothing = smoothing;
    const auto answers = Learn(train, train, Classes(2), options);
    std::vector<double> far;
    for (const double a : answers) far.push_back(std::max(a, 1 - a));
    std::nth_element(far.begin(), far.begin() + 200, far.end());
    return far[200];
  };
  EXPECT_GT(extreme(0), 0.99);
  EXPECT_NEAR(extreme(0.2), 0.9, 0.03);
}

TEST(Mlp, GivesTheSameBitsForTheSameSeedAndOthersForAnother) {
  const auto train = ByCategory(300, 1);
  MlpOptions options;
  options.epochs = 3;
  const auto learner = MakeMlp(options);
  const auto answers = [&](std::uint64_t seed) {
    Context context = ContextOf(train, Classes(2));
    context.seed = seed;
    const auto trials = learner->Try(train.rows(), train.rows(), context);
    return (*trials)[0].answers;
  };
  EXPECT_EQ(answers(7), answers(7));
  EXPECT_NE(answers(7), answers(8));
}

// A refit squeezed the whole cycle into the mean number of epochs: another schedule than the
// judged.
TEST(Mlp, ARefitIsTheTrialsTrainingToTheBit) {
  const auto train = Xor(300, 1);
  const auto held_out = Xor(100, 2);
  const auto learner = MakeMlp({});
  const Context context = ContextOf(train, Classes(2));
  const auto trials = learner->Try(train.rows(), held_out.rows(), context);
  ASSERT_TRUE(trials) << trials.error().message;
  for (const std::size_t rung : {std::size_t{0}, std::size_t{1}}) {
    const Trial& trial = (*trials)[rung];
    const auto fitted = learner->Fit(train.rows(), trial.setting, trial.rounds, context);
    ASSERT_TRUE(fitted) << fitted.error().message;
    EXPECT_EQ((*fitted)->Answer(held_out.x).value(), trial.answers) << rung;
    EXPECT_EQ((*fitted)->Describe()["epochs"], *trial.rounds);
  }
}

// Held-out rows were answered by the epoch that was best on them.
TEST(Mlp, ATrialsEpochsAreNotChosenByTheRowsThatScoreIt) {
  const auto train = Xor(300, 1);
  auto held_out = Xor(100, 2);
  const auto learner = MakeMlp({});
  const Context context = ContextOf(train, Classes(2));
  const auto trials = learner->Try(train.rows(), held_out.rows(), context);
  for (double& y : held_out.y) y = 1 - y;  // what is best on these rows is now another
  const auto others = learner->Try(train.rows(), held_out.rows(), context);
  ASSERT_TRUE(trials && others);
  ASSERT_EQ(trials->size(), others->size());
  EXPECT_EQ((*trials)[0].answers, (*others)[0].answers);
  EXPECT_EQ((*trials)[0].rounds, (*others)[0].rounds);
}

TEST(Mlp, KeepsWhatAnsweredATrialWhereAsked) {
  const auto train = Xor(100, 1);
  MlpOptions options;
  options.epochs = 2;
  Context context = ContextOf(train, Classes(2));
  EXPECT_EQ((*MakeMlp(options)->Try(train.rows(), train.rows(), context))[0].fitted, nullptr);
  context.keep = true;
  const auto trials = MakeMlp(options)->Try(train.rows(), train.rows(), context);
  ASSERT_NE((*trials)[0].fitted, nullptr);
  EXPECT_EQ((*trials)[0].fitted->Answer(train.x).value(), (*trials)[0].answers);
}

TEST(Mlp, RefusesRowsThatNoNetworkCanTake) {
  auto train = ByCategory(50, 1);
  const auto problem = [&] {
    const auto bad = MakeMlp({})->Try(train.rows(), train.rows(), ContextOf(train, Classes(2)));
    return bad ? std::string("accepted") : bad.error().message;
  };
  train.x.data[7] = 12;
  EXPECT_HAS(problem(), "row 3, feature 'id'");
  train.x.data[7] = 11;
  train.x.data[8] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_HAS(problem(), "row 4, feature 'noise'");
}

TEST(Mlp, SaysWhatToDoWhenTheLossIsNoNumber) {
  auto train = Line(200, 1);
  for (std::size_t i = 0; i < 400; ++i) train.x.data[i] *= 1e30F;
  const auto bad = MakeMlp({})->Try(train.rows(), train.rows(), ContextOf(train, Values()));
  ASSERT_FALSE(bad);
  EXPECT_HAS(bad.error().message, "lower learningRate");
}

}  // namespace
}  // namespace penstock::train
