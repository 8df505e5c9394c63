// What Measure is made of: shares and means of weighted rows, each with its interval. For
// components/sdk alone; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "components/sdk/metrics.h"

namespace penstock::sdk {

// Two-sided, in standard errors; 0: no intervals.
struct Width {
  double z = 0;
};

// Rows, and what they weigh together.
struct Part {
  double weight = 0;
  double squares = 0;  // of the weights
  std::int64_t rows = 0;

  void Add(double w) {
    weight += w;
    squares += w * w;
    ++rows;
  }
  // So many rows of one weight would tell as much.
  [[nodiscard]] double Effective() const { return weight * weight / squares; }
};

[[nodiscard]] inline double WeightOf(const Judged& judged, std::size_t row) {
  return judged.weights.empty() ? 1 : judged.weights[row];
}

// value -+ z * error within the bounds; nothing without a width or a finite error.
[[nodiscard]] std::optional<Interval> Around(double value, double error, Width width, double least,
                                             double most);
[[nodiscard]] Metric Undefined(std::int64_t rows, std::string why);
// Of all, whose weight is above 0.
[[nodiscard]] Metric Share(const Part& some, const Part& all, Width width);
// The weighted mean of what `of` gives of a row.
[[nodiscard]] Metric MeanOf(const Judged& judged, Width width, double least,
                            const std::function<double(std::size_t)>& of);

[[nodiscard]] Metrics RegressionMetrics(const Judged& judged, Width width);

}  // namespace penstock::sdk
