#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "components/train/learner.h"
#include "components/train/linear/testing/linear_data.h"

// References: scikit-learn 1.9.1 (and for huber SciPy 1.17.1's BFGS) on float64 copies of the same
// rows, tolerance 1e-12.
namespace penstock::train {
namespace {

using Values = std::vector<double>;
constexpr double kClose = 5e-5;

Context ContextOf(const Table& table, Loss loss, std::size_t classes = 0) {
  Context context;
  context.features = table.features;
  context.target.task = classes > 0 ? sdk::ModelTask::kClassification : sdk::ModelTask::kRegression;
  context.target.classes = classes;
  context.target.loss = loss;
  return context;
}

Result<std::unique_ptr<Fitted>> FitOf(const Table& table, double penalty, const Context& context) {
  return MakeLinear({penalty})->Fit(table.rows(), {{"penalty", penalty}}, std::nullopt, context);
}

// The coefficients by feature, an output after the other, then the intercepts.
Values CoefficientsOf(const Fitted& fitted) {
  const Json said = fitted.Describe();
  const auto list = [](const Json& value) {
    return value.is_array() ? value.get<Values>() : Values{value.get<double>()};
  };
  const Values intercepts = list(said["intercept"]);
  const std::size_t width = said["features"];
  Values all(width * intercepts.size());
  for (const Json& own : said["coefficients"]) {
    const std::size_t j = std::stoul(own["feature"].get<std::string>().substr(1));
    const Values of = list(own["coefficient"]);
    for (std::size_t k = 0; k < of.size(); ++k) all[k * width + j] = of[k];
  }
  all.insert(all.end(), intercepts.begin(), intercepts.end());
  return all;
}

Values Fit(const Table& table, double penalty, const Context& context) {
  const auto fitted = FitOf(table, penalty, context);
  if (!fitted) {
    ADD_FAILURE() << fitted.error().message;
    return {};
  }
  EXPECT_TRUE((*fitted)->Describe()["converged"].get<bool>()) << (*fitted)->Describe().dump();
  return CoefficientsOf(**fitted);
}

void ExpectNear(const Values& got, const Values& wanted, double within = kClose) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], within) << i;
}

double Truth(const Table& table, std::size_t i) {
  return table.Linear(i, {0.9, -0.6, 0.4, 0.0}) - 0.5;
}

Table BinaryTable() {
  Table table = MakeTable(200, 4, 7);
  for (std::size_t i = 0; i < 200; ++i) {
    table.y.push_back(table.noise[i] < 1 / (1 + std::exp(-Truth(table, i))) ? 1 : 0);
  }
  return table;
}

Table ClassesTable() {
  Table table = MakeTable(200, 4, 7);
  for (std::size_t i = 0; i < 200; ++i) {
    const double z = Truth(table, i) + 3 * (table.noise[i] - 0.5);
    table.y.push_back((z > 0 ? 1 : 0) + (z > 1.2 ? 1 : 0));
  }
  return table;
}

Table ValuesTable() {
  Table table = MakeTable(200, 4, 7);
  for (std::size_t i = 0; i < 200; ++i) {
    table.y.push_back(10 * Truth(table, i) + 8 * (table.noise[i] - 0.5) + 50);
  }
  return table;
}

Table CountsTable() {
  Table table = MakeTable(200, 4, 7);
  for (std::size_t i = 0; i < 200; ++i) {
    table.y.push_back(std::floor(std::exp(0.5 * Truth(table, i)) * 3 * table.noise[i]));
  }
  return table;
}

Table SeparableTable() {
  Table table = MakeTable(40, 2, 9);
  for (std::size_t i = 0; i < 40; ++i) table.y.push_back(table.x.data[i * 2] > 0 ? 1 : 0);
  return table;
}

TEST(Linear, FindsScikitLearnsLogisticRegression) {
  const Table table = BinaryTable();
  ExpectNear(Fit(table, 0.01, ContextOf(table, Loss::kLog, 2)),
             {0.78754419, -0.42393360, 0.47771600, -0.00095720, -0.78819586});
}

TEST(Linear, FindsItWithWeightsSomeOfWhichAre0) {
  Table table = BinaryTable();
  for (std::size_t i = 0; i < 200; ++i)
    table.weight.push_back(i % 3 == 0 ? 0 : 1.0 + double(i % 3));
  ExpectNear(Fit(table, 0.01, ContextOf(table, Loss::kLog, 2)),
             {1.08837948, -0.13253316, 0.38183935, 0.04892215, -1.03816921});
}

TEST(Linear, TakesNothingFromARowOfWeight0HoweverWild) {
  Table table = ValuesTable();
  table.weight.assign(200, 1);
  table.weight[17] = 0;
  const Context context = ContextOf(table, Loss::kSquared);
  const Values without = Fit(table, 0.01, context);
  table.y[17] = 1e9;
  table.x.data[17 * 4 + 1] = 1e9F;
  ExpectNear(Fit(table, 0.01, context), without, 1e-6);
}

TEST(Linear, FindsScikitLearnsSoftmax) {
  const Table table = ClassesTable();
  ExpectNear(Fit(table, 0.01, ContextOf(table, Loss::kLog, 3)),
             {-0.47753589, 0.91376765, -0.33132166, -0.04011760, -0.03326440, 0.04355814,
              0.08756943, -0.02761138, 0.51080029, -0.95732579, 0.24375223, 0.06772898, 0.92118683,
              0.12280944, -1.04399627});
}

TEST(Linear, FindsScikitLearnsRidge) {
  const Table table = ValuesTable();
  const auto fitted = FitOf(table, 0.01, ContextOf(table, Loss::kSquared));
  ASSERT_TRUE(fitted);
  ExpectNear(CoefficientsOf(**fitted),
             {7.40593188, -6.00694590, 3.67696694, 0.11788872, 45.36870088});
  EXPECT_LE((*fitted)->Describe()["iterations"], 3) << "in closed form";
}

// scikit-learn's alpha is the penalty times the mean label.
TEST(Linear, FindsScikitLearnsPoissonRegression) {
  const Table table = CountsTable();
  ExpectNear(Fit(table, 0.01, ContextOf(table, Loss::kPoisson)),
             {0.31267491, -0.53784031, 0.22973297, 0.00342851, -0.19094052});
}

TEST(Linear, FindsHubersMinimum) {
  const Table table = ValuesTable();
  Context context = ContextOf(table, Loss::kHuber);
  context.target.delta = 0.3;
  ExpectNear(Fit(table, 0.01, context),
             {6.20942553, -5.64625729, 3.61419310, 0.03416099, 45.26455895});
}

// The exact ones are corners of a linear programme; ours is smoothed by a thousandth of the label's
// deviation (5.5 here).
TEST(Linear, ComesNearToTheMedianAndAQuantile) {
  const Table table = ValuesTable();
  ExpectNear(Fit(table, 0, ContextOf(table, Loss::kAbsolute)),
             {7.67293851, -6.26838857, 3.59751056, 0.01391198, 45.90888603}, 0.1);
  Context context = ContextOf(table, Loss::kQuantile);
  context.target.quantile = 0.9;
  ExpectNear(Fit(table, 0, context), {9.29754798, -6.46461436, 3.41720728, 0.25359316, 48.90407531},
             0.1);
}

TEST(Linear, FitsMoreFeaturesThanRows) {
  Table table = MakeTable(12, 40, 3);
  for (std::size_t i = 0; i < 12; ++i) {
    table.y.push_back(double(table.x.data[i * 40]) * 2 + table.noise[i]);
  }
  const Values ridge = Fit(table, 0.01, ContextOf(table, Loss::kSquared));
  ExpectNear({ridge[0], ridge[1], ridge[2], ridge[3], ridge[40]},
             {0.00125734, 0.00067693, 0.00082811, 0.00217555, 0.43547126});
  Values sorted = table.y;
  std::sort(sorted.begin(), sorted.end());
  const double median = (sorted[5] + sorted[6]) / 2;
  for (double& y : table.y) y = y > median ? 1 : 0;
  // By Newton's steps in NumPy 2.4.6: scikit-learn stops 6e-4 off the intercept here.
  const Values logistic = Fit(table, 0.01, ContextOf(table, Loss::kLog, 2));
  ExpectNear({logistic[0], logistic[1], logistic[2], logistic[3], logistic[40]},
             {0.01279738, 0.00403285, 0.00269349, 0.03021091, 1.64331290});
}

// Too wide for a matrix of curvatures: by the diagonal, to the same answer as by Cholesky's.
TEST(Linear, FitsAVeryWideTable) {
  Table table = MakeTable(30, 1000, 5);
  for (std::size_t i = 0; i < 30; ++i) {
    for (std::size_t j = 0; j < 1000; ++j) table.x.data[i * 1000 + j] /= float(j + 1);
    table.y.push_back(table.noise[i] * 10);
  }
  const auto fitted = FitOf(table, 0.1, ContextOf(table, Loss::kSquared));
  ASSERT_TRUE(fitted);
  EXPECT_TRUE((*fitted)->Describe()["converged"].get<bool>());
  // At the minimum the residuals' mean is 0: the intercept is not penalised.
  const auto answers = (*fitted)->Answer(table.x);
  ASSERT_TRUE(answers);
  double sum = 0;
  for (std::size_t i = 0; i < 30; ++i) sum += (*answers)[i] - table.y[i];
  EXPECT_NEAR(sum, 0, 1e-3);
}

TEST(Linear, ConvergesWhereClassesAreSeparable) {
  const Table table = SeparableTable();
  ExpectNear(Fit(table, 1e-4, ContextOf(table, Loss::kLog, 2)),
             {23.17054694, 0.29758631, -0.23426833}, 2e-3);
  EXPECT_GT(Fit(table, 0, ContextOf(table, Loss::kLog, 2))[0], 50) << "without a penalty";
}

TEST(Linear, SharesACoefficientBetweenTwinsAndGivesAConstantNone) {
  const Table narrow = SeparableTable();
  Table table = MakeTable(40, 4, 1);
  table.y = narrow.y;
  for (std::size_t i = 0; i < 40; ++i) {
    const float* own = narrow.x.data.get() + i * 2;
    const float row[4] = {own[0], own[1], own[0], 7};
    std::copy(row, row + 4, table.x.data.get() + i * 4);
  }
  const Values got = Fit(table, 0.01, ContextOf(table, Loss::kLog, 2));
  ExpectNear(got, {3.25913114, 0.10844562, 3.25913114, 0, 0.15149427});
  EXPECT_EQ(got[3], 0);
  for (const double c : Fit(table, 0, ContextOf(table, Loss::kSquared))) {
    EXPECT_TRUE(std::isfinite(c)) << "twins without a penalty";
  }
}

TEST(Linear, FitsOneFeature) {
  const Table two = SeparableTable();
  Table table = MakeTable(40, 1, 1);
  table.y = two.y;
  for (std::size_t i = 0; i < 40; ++i) table.x.data[i] = two.x.data[i * 2];
  ExpectNear(Fit(table, 0.01, ContextOf(table, Loss::kLog, 2)), {4.78817069, 0.24667115});
}

TEST(Linear, GivesAClassThatNoRowHasNearlyNothing) {
  Table table = ClassesTable();
  for (double& y : table.y) y = y == 2 ? 1 : y;
  const auto fitted = FitOf(table, 0.01, ContextOf(table, Loss::kLog, 3));
  ASSERT_TRUE(fitted) << fitted.error().message;
  const auto answers = (*fitted)->Answer(table.x);
  ASSERT_TRUE(answers);
  for (std::size_t i = 0; i < 200; ++i) {
    const double* p = answers->data() + i * 3;
    EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-9);
    EXPECT_GE(p[2], 0);
    EXPECT_LT(p[2], 1e-4);
  }
  Table binary = BinaryTable();
  binary.y.assign(200, 1);
  const auto one = FitOf(binary, 0.01, ContextOf(binary, Loss::kLog, 2));
  ASSERT_TRUE(one) << one.error().message;
  const Values certain = (*one)->Answer(binary.x).value();
  for (const double p : certain) EXPECT_GT(p, 0.9999);
}

TEST(Linear, FitsAConstantLabelByItsValue) {
  Table table = ValuesTable();
  table.y.assign(200, 3.25);
  for (const Loss loss : {Loss::kSquared, Loss::kHuber, Loss::kAbsolute, Loss::kPoisson}) {
    const auto fitted = FitOf(table, 0.01, ContextOf(table, loss));
    ASSERT_TRUE(fitted);
    const Values answers = (*fitted)->Answer(table.x).value();
    for (const double value : answers) EXPECT_NEAR(value, 3.25, 1e-5);
  }
}

// A year, or seconds: what is far from 0 must not cost its differences.
TEST(Linear, SeesDifferencesInAColumnFarFromZero) {
  const Table near = ValuesTable();
  Table far = ValuesTable();
  for (std::size_t i = 0; i < 200; ++i) far.x.data[i * 4] += 4096;
  Table rounded = ValuesTable();  // what float32 leaves of the differences
  for (std::size_t i = 0; i < 200; ++i) rounded.x.data[i * 4] = far.x.data[i * 4] - 4096;
  const Context context = ContextOf(near, Loss::kSquared);
  const Values wanted = Fit(rounded, 0.01, context);
  const Values got = Fit(far, 0.01, context);
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(got[j], wanted[j], kClose) << j;
}

TEST(Linear, TriesTheSameSettingsInEachFoldAndFitsWhatItTried) {
  const Table table = BinaryTable();
  const Context context = ContextOf(table, Loss::kLog, 2);
  const Table other = ValuesTable();
  const auto learner = MakeLinear({});
  const auto trials = learner->Try(table.rows(), {&other.x, other.y, {}}, context);
  ASSERT_TRUE(trials);
  Table few = MakeTable(50, 4, 2);
  for (std::size_t i = 0; i < 50; ++i) few.y.push_back(i % 2 == 0 ? 1 : 0);
  const auto again = learner->Try(few.rows(), few.rows(), context);
  ASSERT_TRUE(again);
  ASSERT_EQ(trials->size(), again->size());
  EXPECT_GE(trials->size(), 8U);
  for (std::size_t i = 0; i < trials->size(); ++i) {
    EXPECT_EQ((*trials)[i].setting["id"], (*again)[i].setting["id"]);
    const auto fitted = learner->Fit(table.rows(), (*trials)[i].setting, std::nullopt, context);
    ASSERT_TRUE(fitted);
    const Values answers = (*fitted)->Answer(other.x).value();
    ASSERT_EQ((*trials)[i].answers.size(), answers.size());
    for (std::size_t r = 0; r < answers.size(); ++r) {
      EXPECT_NEAR((*trials)[i].answers[r], answers[r], 1e-3);
    }
  }
}

TEST(Linear, GivesTheSameBitsAgain) {
  const Table table = ClassesTable();
  const Context context = ContextOf(table, Loss::kLog, 3);
  const Values first = Fit(table, 1e-4, context);
  const Values second = Fit(table, 1e-4, context);
  EXPECT_EQ(std::memcmp(first.data(), second.data(), first.size() * sizeof(double)), 0);
}

TEST(Linear, StopsWhenTold) {
  const Table table = BinaryTable();
  Context context = ContextOf(table, Loss::kLog, 2);
  context.stop = [] { return true; };
  const auto fitted = FitOf(table, 0.01, context);
  ASSERT_FALSE(fitted);
  EXPECT_EQ(fitted.error().kind, ErrorKind::kCancelled);
}

TEST(Linear, RefusesWhatItCannotLearn) {
  Table table = CountsTable();
  const auto problem = [&](Loss loss) {
    const auto fitted = FitOf(table, 0.01, ContextOf(table, loss));
    return fitted ? "" : fitted.error().message;
  };
  table.y[5] = -2;
  EXPECT_NE(problem(Loss::kPoisson).find("(row 5)"), std::string::npos);
  EXPECT_EQ(problem(Loss::kSquared), "");
  table.x.data[4 * 9 + 2] = std::numeric_limits<float>::infinity();
  EXPECT_NE(problem(Loss::kSquared).find("'f2' is not finite"), std::string::npos);
  table.features[1].cardinality = 12;
  EXPECT_NE(problem(Loss::kSquared).find("'f1' holds ids"), std::string::npos);
  table.weight.assign(200, 0);
  EXPECT_NE(problem(Loss::kSquared).find("sum to 0"), std::string::npos);
}

}  // namespace
}  // namespace penstock::train
