// The numbers that evaluate reports and bless judges. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/evaluate/scoring.h"
#include "components/sdk/matrix.h"
#include "components/sdk/metrics.h"

namespace penstock::evaluate {

// Where a metric's value stands: between what the labels themselves would get as answers and what
// a constant answer gets, beside what a person reaches and what is required.
struct Lines {
  std::string metric;
  std::optional<double> ceiling;  // of the labels as answers, decided as the model's are
  std::optional<double> dummy;    // the share of each class, the majority where a class is decided,
                                  // the mean
  std::optional<double> person;
  std::optional<double> required;
};
// The answers of which `dummy` is the value: one for every row.
[[nodiscard]] std::vector<float> ConstantAnswers(const Scored& scored, const std::string& metric);

// Of these rows; what is not defined on them is absent.
[[nodiscard]] Lines LinesOf(const Scored& scored, const std::string& metric);
// {"metric", "ceiling", ...}: those that are there.
[[nodiscard]] Json ToJson(const Lines& lines);
// "auc: ceiling 1, required 0.7, a person 0.8, this model 0.74, a constant answer 0.5".
[[nodiscard]] std::string Describe(const Lines& lines, const sdk::Metric& model);

// Rows x resamples of a step: some seconds.
inline constexpr double kResamples = 1e7;

// What is measured beyond the metrics of a task.
struct MeasureOptions {
  double confidence = 0.95;
  std::optional<double> within;          // regression: share of |error| <= this
  std::optional<double> within_percent;  // of |error| <= so many percent of |label|
};
// sdk's Measure with "within" and "withinPercent" where they are asked for, and a bootstrap's
// interval (bootstrap.h) for what has none by formula, as far as `budget` (rows x resamples) goes.
[[nodiscard]] sdk::Metrics MeasureScored(const Scored& scored, const MeasureOptions& options,
                                         std::span<const std::uint32_t> rows = {},
                                         double budget = kResamples);

// Of more classes the confusion matrix is left out: its square would be all there is.
inline constexpr std::size_t kMostConfused = 1000;

// {"rows", "confidence", "overall", "lines", "confusion", "slices": [{"column", "value", "rows",
// "metrics"}], "smallSlices"}: metrics as sdk's ToJson has them; slices by column, the largest
// first; those of fewer than `min_rows` rows are counted under "smallSlices" only. Of a cross
// (slices.h) "column" and "value" are lists.
[[nodiscard]] Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices,
                          std::size_t min_rows, const Lines& lines, const MeasureOptions& options,
                          const sdk::Metrics& overall);
[[nodiscard]] Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices,
                          std::size_t min_rows, const Lines& lines, double confidence);

// auc, accuracy or rmse: the one number of a task.
[[nodiscard]] std::string MainMetric(const sdk::ModelManifest& manifest);

}  // namespace penstock::evaluate
