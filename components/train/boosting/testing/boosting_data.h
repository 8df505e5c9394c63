// Rows made by a formula, and what a test asks of a learner.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "components/train/learner.h"

namespace penstock::train {

// Labels of rows: the owner that Rows looks at.
struct Table {
  std::vector<sdk::Feature> features;
  sdk::FloatMatrix x;
  std::vector<double> y;
  std::vector<double> weight;

  [[nodiscard]] Rows rows() const { return {&x, y, weight}; }
};

// `width` features of [0, 1), and then the caller's own formula of a row (which may change it).
inline Table MakeTable(std::size_t rows, std::size_t width, unsigned seed,
                       const std::function<double(float* row, std::mt19937& random)>& label) {
  Table table;
  table.x.rows = rows;
  table.x.width = width;
  table.x.data = std::make_unique<float[]>(rows * width);
  for (std::size_t f = 0; f < width; ++f) table.features.push_back({"f" + std::to_string(f), 0});
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    float* row = table.x.data.get() + i * width;
    for (std::size_t f = 0; f < width; ++f) row[f] = float(random() >> 8) / float(1 << 24);
    table.y.push_back(label(row, random));
  }
  return table;
}

inline double Unit(std::mt19937& random) { return double(random()) / 4294967296.0; }

inline sdk::FloatMatrix MatrixOf(const std::vector<std::vector<float>>& rows) {
  sdk::FloatMatrix x;
  x.rows = rows.size();
  x.width = rows.front().size();
  x.data = std::make_unique<float[]>(x.rows * x.width);
  for (std::size_t i = 0; i < x.rows; ++i)
    std::copy(rows[i].begin(), rows[i].end(), x.data.get() + i * x.width);
  return x;
}

inline Target Classes(std::size_t classes) {
  return {sdk::ModelTask::kClassification, classes, Loss::kLog};
}
inline Target Regression(Loss loss) { return {sdk::ModelTask::kRegression, 0, loss}; }

inline Context ContextOf(const Table& table, Target target) {
  Context context;
  context.features = table.features;
  context.target = target;
  context.seed = 7;
  context.device = "cpu";
  return context;
}

inline Json Setting(std::int64_t depth = 3, double subsample = 1) {
  return {{"depth", depth}, {"learningRate", 0.1},    {"minChildWeight", 1},
          {"lambda", 1},    {"subsample", subsample}, {"bins", 256}};
}

inline std::unique_ptr<Fitted> Fit(const Table& table, const Context& context,
                                   const Json& setting = Setting(), double rounds = 60) {
  auto fitted = MakeBoosting({})->Fit(table.rows(), setting, rounds, context);
  EXPECT_TRUE(fitted) << fitted.error().message;
  return fitted ? std::move(*fitted) : nullptr;
}

}  // namespace penstock::train
