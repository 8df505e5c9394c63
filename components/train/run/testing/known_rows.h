// A table of which it is known how well any model can do.
#pragma once

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "components/sdk/metrics.h"

namespace penstock::train {

// `late` is drawn from a known logistic model of x, its square and the category c: the best AUC
// that any model can have is that of the true probability. Of x are `kind` (three classes), `value`
// (a number above 0) and `calls` (a count).
struct KnownRows {
  std::shared_ptr<arrow::RecordBatch> rows;
  double best_auc = 0;
};

inline KnownRows MakeKnownRows(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  arrow::DoubleBuilder x, value;
  arrow::StringBuilder c, kind;
  arrow::BooleanBuilder late;
  arrow::Int64Builder calls;
  std::vector<float> truth;
  std::vector<std::uint8_t> positive;
  for (int i = 0; i < count; ++i) {
    const double number = normal(random);
    const int category = int(random() % 5);
    const double p = 1 / (1 + std::exp(-(1.5 * number - number * number + 0.8 * category - 1.5)));
    const bool label = uniform(random) < p;
    std::poisson_distribution<int> draw(std::exp(0.5 * number));
    truth.push_back(float(p));
    positive.push_back(label);
    EXPECT_TRUE(x.Append(number).ok() && c.Append("c" + std::to_string(category)).ok() &&
                late.Append(label).ok() &&
                value.Append(std::exp(number + 0.1 * category + 0.3 * normal(random))).ok() &&
                kind.Append(number < -0.5  ? "low"
                            : number < 0.5 ? "mid"
                                           : "top")
                    .ok() &&
                calls.Append(draw(random)).ok());
  }
  const auto schema = arrow::schema(
      {arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
       arrow::field("late", arrow::boolean()), arrow::field("value", arrow::float64()),
       arrow::field("kind", arrow::utf8()), arrow::field("calls", arrow::int64())});
  return {arrow::RecordBatch::Make(schema, count,
                                   {x.Finish().ValueOrDie(), c.Finish().ValueOrDie(),
                                    late.Finish().ValueOrDie(), value.Finish().ValueOrDie(),
                                    kind.Finish().ValueOrDie(), calls.Finish().ValueOrDie()}),
          sdk::Auc(truth, positive)};
}

}  // namespace penstock::train
