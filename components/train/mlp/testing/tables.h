// Small tables with a known answer, for the tests of the learner.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "components/train/learner.h"

namespace penstock::train {

struct TestTable {
  std::vector<sdk::Feature> features;
  sdk::FloatMatrix x;
  std::vector<double> y;
  std::vector<double> weight;

  [[nodiscard]] Rows rows() const { return {&x, y, weight}; }
};

// `make(random, row of features)` fills a row and gives its label.
template <typename Make>
TestTable MakeTable(std::vector<sdk::Feature> features, std::size_t rows, unsigned seed,
                    Make make) {
  TestTable t;
  t.features = std::move(features);
  const std::size_t width = t.features.size();
  t.x = {rows, width, std::make_unique<float[]>(rows * width)};
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < rows; ++i) t.y.push_back(make(random, t.x.data.get() + i * width));
  return t;
}

inline float Normal(std::mt19937& random) {
  return float(std::normal_distribution<double>()(random));
}

inline Target Classes(std::size_t classes) {
  Target target;
  target.classes = classes;
  return target;
}

inline Target Values(Loss loss = Loss::kSquared) {
  Target target;
  target.task = sdk::ModelTask::kRegression;
  target.loss = loss;
  return target;
}

inline Context ContextOf(const TestTable& table, Target target) {
  Context context;
  context.features = table.features;
  context.target = target;
  context.seed = 1;
  context.device = "cpu";
  return context;
}

// Two numbers whose signs differ: what no linear model can tell.
inline TestTable Xor(std::size_t rows, unsigned seed) {
  return MakeTable({{"a", 0}, {"b", 0}}, rows, seed, [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    row[1] = Normal(random);
    return double((row[0] > 0) != (row[1] > 0));
  });
}

inline TestTable Line(std::size_t rows, unsigned seed, double scale = 1) {
  return MakeTable({{"a", 0}, {"b", 0}}, rows, seed, [=](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    row[1] = Normal(random);
    return scale * (3 + 2 * row[0] - row[1] + 0.1 * Normal(random));
  });
}

}  // namespace penstock::train
