#include "components/train/linear/minimise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "components/train/linear/kernels.h"
#include "components/train/linear/testing/linear_data.h"

namespace penstock::train {
namespace {

// Rosenbrock's valley; its minimum is 0 at (1, 1).
Objective Rosenbrock() {
  Objective objective;
  objective.evaluate = [](std::span<const double> x, std::span<double> gradient) {
    const double a = 1 - x[0];
    const double b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * x[0] * b;
    gradient[1] = 200 * b;
    return a * a + 100 * b * b;
  };
  objective.renew = [](auto) {};
  objective.solve = [](auto) {};
  return objective;
}

TEST(Minimise, GoesThroughRosenbrocksValley) {
  std::vector<double> x = {-1.2, 1};
  const auto minimum = Minimise(Rosenbrock(), {}, x);
  ASSERT_TRUE(minimum);
  EXPECT_TRUE(minimum->converged);
  EXPECT_NEAR(x[0], 1, 1e-5);
  EXPECT_NEAR(x[1], 1, 1e-5);
  EXPECT_LT(minimum->steps, 60);
}

TEST(Minimise, SaysWhatDidNotConverge) {
  std::vector<double> x = {-1.2, 1};
  Bounds bounds;
  bounds.steps = 3;
  const auto minimum = Minimise(Rosenbrock(), bounds, x);
  ASSERT_TRUE(minimum);
  EXPECT_FALSE(minimum->converged);
  EXPECT_EQ(minimum->steps, 3);
}

TEST(Minimise, ShortensAStepIntoTheUndefined) {
  Objective objective = Rosenbrock();
  objective.evaluate = [](std::span<const double> x, std::span<double> gradient) {
    gradient[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);  // NaN below 0; its minimum at 1
  };
  std::vector<double> x = {30};
  objective.solve = [](std::span<double> v) { v[0] *= 1000; };
  const auto minimum = Minimise(objective, {}, x);
  ASSERT_TRUE(minimum);
  EXPECT_TRUE(minimum->converged);
  EXPECT_NEAR(x[0], 1, 1e-5);
}

TEST(Minimise, EndsWithTheErrorOfAStep) {
  Objective objective = Rosenbrock();
  objective.step = [](int step, double) -> Result<void> {
    if (step == 2) return Cancelled("enough");
    return {};
  };
  std::vector<double> x = {-1.2, 1};
  const auto minimum = Minimise(objective, {}, x);
  ASSERT_FALSE(minimum);
  EXPECT_EQ(minimum.error().message, "enough");
}

// Widths and rows that fill no vector; against sums in double, on this processor's instruction set
// and on any.
TEST(LinearKernels, AreThePlainSums) {
  for (const std::size_t width : {1, 7, 8, 13, 50}) {
    const std::size_t rows = 21;
    const std::size_t outputs = 3;
    const Table table = MakeTable(rows, width, 11);
    const Table other = MakeTable(outputs, std::max(width, rows), 12);
    const float* x = table.x.data.get();
    const std::vector<double> own(other.x.data.get(),
                                  other.x.data.get() + outputs * std::max(width, rows));
    const double* v = own.data();
    for (const LinearKernels* kernels : {&BestLinearKernels(), &PlainLinearKernels()}) {
      std::vector<double> z(rows * outputs);
      std::vector<double> g(width * outputs, 1);
      kernels->products(x, rows, width, v, outputs, z.data());
      kernels->sums(x, rows, width, v, outputs, g.data());
      for (std::size_t k = 0; k < outputs; ++k) {
        for (std::size_t i = 0; i < rows; ++i) {
          double sum = 0;
          for (std::size_t j = 0; j < width; ++j) {
            sum += double(x[i * width + j]) * v[k * width + j];
          }
          EXPECT_NEAR(z[i * outputs + k], sum, 1e-12 * (1 + std::abs(sum)));
        }
        for (std::size_t j = 0; j < width; ++j) {
          double sum = 1;
          for (std::size_t i = 0; i < rows; ++i) {
            sum += double(x[i * width + j]) * v[i * outputs + k];
          }
          EXPECT_NEAR(g[k * width + j], sum, 1e-12 * (1 + std::abs(sum)));
        }
      }
    }
  }
}

TEST(LinearKernels, SumProductsOfColumnsBelowTheDiagonal) {
  const std::size_t width = 11;
  const std::size_t rows = 16;
  const Table a = MakeTable(width, rows, 3);
  const Table b = MakeTable(width, rows, 4);
  for (const LinearKernels* kernels : {&BestLinearKernels(), &PlainLinearKernels()}) {
    std::vector<double> gram(width * width);
    kernels->gram(a.x.data.get(), b.x.data.get(), width, rows, gram.data());
    for (std::size_t j = 0; j < width; ++j) {
      for (std::size_t k = 0; k < width; ++k) {
        double sum = 0;
        for (std::size_t i = 0; i < rows; ++i) {
          sum += double(a.x.data[j * rows + i]) * double(b.x.data[k * rows + i]);
        }
        EXPECT_NEAR(gram[j * width + k], k <= j ? sum : 0, 1e-5 * (1 + std::abs(sum)));
      }
    }
  }
}

TEST(LinearKernels, SumProducts) {
  const Table table = MakeTable(2, 37, 6);
  const std::vector<double> all(table.x.data.get(), table.x.data.get() + 74);
  double sum = 0;
  for (std::size_t i = 0; i < 37; ++i) sum += all[i] * all[37 + i];
  for (const LinearKernels* kernels : {&BestLinearKernels(), &PlainLinearKernels()}) {
    EXPECT_NEAR(kernels->dot(all.data(), all.data() + 37, 37), sum, 1e-11 * sum);
  }
}

TEST(LinearKernels, TellProbabilitiesToTheLastPlaces) {
  std::vector<double> z;
  for (double value = -800; value <= 800; value += 0.37) z.push_back(value);
  for (const LinearKernels* kernels : {&BestLinearKernels(), &PlainLinearKernels()}) {
    std::vector<double> p(z.size());
    const double sum = kernels->logistic(z.data(), z.size(), p.data());
    double wanted = 0;
    for (std::size_t i = 0; i < z.size(); ++i) {
      const double own = 1 / (1 + std::exp(-z[i]));
      if (own > 1e-300) {
        EXPECT_NEAR(p[i] / own, 1, 1e-14) << z[i];
      }
      wanted += std::log1p(std::exp(-std::abs(z[i])));
    }
    EXPECT_NEAR(sum, wanted, 1e-12);
  }
}

}  // namespace
}  // namespace penstock::train
