#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "components/train/learner.h"
#include "components/train/linear/testing/linear_data.h"

namespace penstock::train {
namespace {

Context SquaresOf(const Table& table) {
  Context context;
  context.features = table.features;
  context.bends = true;
  context.target.task = sdk::ModelTask::kRegression;
  context.target.loss = Loss::kSquared;
  return context;
}

// y is a line of x; beside it two bends of it, which only noise asks for.
Table BentTable(std::size_t rows, std::uint64_t seed, double bend) {
  Table table{MakeMatrix(rows, 3), {}, {}, {}, {{"x", 0}, {"x>0", 0, true}, {"x>1", 0, true}}};
  Numbers next(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    const double x = 4 * next() - 2;
    const double over = std::max(0.0, x);
    float* row = table.x.data.get() + i * 3;
    row[0] = float(x);
    row[1] = float(over);
    row[2] = float(std::max(0.0, x - 1));
    table.y.push_back(x - bend * over + 3 * (next() - 0.5));
  }
  return table;
}

double LossOf(const std::vector<double>& answers, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += (answers[i] - y[i]) * (answers[i] - y[i]);
  return sum;
}

// Bends cost a small table that is a line 3 % of its RMSE, whatever penalty was chosen.
TEST(LinearBends, TriesWithoutBendsWithStiffOnesAndWithFreeOnes) {
  for (const double bend : {0.0, 2.0}) {
    const Table train = BentTable(60, 3, bend);
    const Table other = BentTable(2000, 4, bend);
    const Context context = SquaresOf(train);
    const auto trials = MakeLinear({})->Try(train.rows(), other.rows(), context);
    ASSERT_TRUE(trials) << trials.error().message;
    ASSERT_EQ(trials->size(), 30U);
    std::map<double, double> best;  // by the bends' penalty
    for (const Trial& trial : *trials) {
      const double own = LossOf(trial.answers, other.y);
      auto& least = best.try_emplace(trial.setting.value("bends", 1.0), own).first->second;
      least = std::min(least, own);
    }
    ASSERT_EQ(best.size(), 3U);
    EXPECT_EQ(best[0] < best[1], bend == 0) << best[0] << " " << best[1];
  }
}

TEST(LinearBends, LeavesBendsOutAsIfTheyWereNotThere) {
  const Table table = BentTable(100, 3, 2);
  Table line{MakeMatrix(100, 1), {}, table.y, {}, {{"x", 0}}};
  for (std::size_t i = 0; i < 100; ++i) line.x.data[i] = table.x.data[3 * i];
  const Context context = SquaresOf(table);
  const auto fit = [&](double bends) {
    const Json setting = {{"id", "x"}, {"penalty", 0.01}, {"bends", bends}};
    return MakeLinear({})->Fit(table.rows(), setting, std::nullopt, context).value()->Describe();
  };
  const auto coefficient = [](const Json& said, const std::string& feature) {
    for (const Json& own : said["coefficients"]) {
      if (own["feature"] == feature) return own["coefficient"].get<double>();
    }
    return std::nan("");
  };
  const auto plain = MakeLinear({})
                         ->Fit(line.rows(), {{"penalty", 0.01}}, std::nullopt, SquaresOf(line))
                         .value()
                         ->Describe();
  const Json without = fit(0);
  EXPECT_EQ(coefficient(without, "x>0"), 0);
  EXPECT_NEAR(coefficient(without, "x"), coefficient(plain, "x"), 1e-6);
  const double stiff = std::abs(coefficient(fit(30), "x>0"));
  EXPECT_GT(stiff, 0);
  EXPECT_LT(stiff, std::abs(coefficient(fit(1), "x>0")));
}

}  // namespace
}  // namespace penstock::train
