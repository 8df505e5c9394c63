// Metrics of a model's answers. Pure functions; formulas as scikit-learn 1.5's documentation
// ("Metrics and scoring") states them, values equal to it within rounding.
//
// Where a metric is not defined it has no value here, and a sentence says why; scikit-learn gives
// there, with a warning, nan (AUC of one class), 0 (precision without a row decided positive,
// recall and F1 without a positive one) or, for r2 of constant labels, 0 (1 where all is exact).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "operator/base/json.h"

namespace penstock::sdk {

// Area under the ROC curve = Mann-Whitney U / (positives * negatives), ties count one half (Hanley
// and McNeil, Radiology 143, 1982). NaN where there is one class only.
[[nodiscard]] double Auc(std::span<const float> scores, std::span<const std::uint8_t> positive);

// -mean(log p of the true class); p is clipped to [eps, 1 - eps], eps of float32, as scikit-learn
// does.
[[nodiscard]] double LogLoss(std::span<const float> raw, std::size_t width,
                             std::span<const float> labels);
// Of one row.
[[nodiscard]] double RowLogLoss(std::span<const float> raw, float label);

// counts[actual][predicted], by index of the class.
[[nodiscard]] std::vector<std::vector<std::int64_t>> ConfusionMatrix(
    std::span<const std::uint32_t> predicted, std::span<const float> labels, std::size_t classes);

struct RegressionMetrics {
  double rmse = 0;
  double mae = 0;
  double r2 = 0;    // 1 - SSE / SST; NaN for labels that are constant within rounding
  double bias = 0;  // mean(predicted - actual)
};
[[nodiscard]] RegressionMetrics Regression(std::span<const float> predicted,
                                           std::span<const float> actual);
[[nodiscard]] RegressionMetrics Regression(std::span<const float> predicted,
                                           std::span<const double> actual);

struct Interval {
  double low = 0;
  double high = 0;
};

// A value with what it rests on. `rows` are those that it is a share or a mean of: of precision
// those decided positive, of recall the positive ones, of F1 either.
struct Metric {
  double value = std::numeric_limits<double>::quiet_NaN();  // NaN where it is not defined
  std::optional<Interval> interval;
  std::int64_t rows = 0;
  std::string why;  // it is not defined; else empty

  [[nodiscard]] bool defined() const { return why.empty(); }
};
using Metrics = std::map<std::string, Metric>;

// Everything that suits the manifest's task, over the chosen rows (all when `rows` is empty):
//   binary       auc accuracy precision recall f1 logLoss brier positiveRate
//   multi-class  accuracy macroPrecision macroRecall macroF1 logLoss
//   regression   rmse mae r2 bias
// `raw` has RawWidth() floats a row; `labels` are class indices or values. With a `confidence`
// each has its two-sided interval, where there are rows enough: shares by Wilson (J. Am. Stat.
// Assoc. 22, 1927), F1 as 2J / (1 + J) of the share J = TP / (TP + FP + FN), AUC by DeLong
// (delong.h), means by the normal approximation, ratios (macro averages, r2) by linearisation.
[[nodiscard]] Metrics Measure(const ModelManifest& manifest, std::span<const float> raw,
                              std::span<const float> labels,
                              std::span<const std::uint32_t> rows = {}, double confidence = 0);

// {"auc": {"value", "defined", "low", "high", "rows"}, ...}; what is not defined has the value
// null, defined false and "why".
[[nodiscard]] Json ToJson(const Metrics& metrics);
// {"auc": 0.7, ...}: those that are defined.
[[nodiscard]] Json ValuesOf(const Metrics& metrics);

// Measure as {"auc": number or null, ..., "rows": n}, without intervals.
[[nodiscard]] Json ComputeMetrics(const ModelManifest& manifest, std::span<const float> raw,
                                  std::span<const float> labels,
                                  std::span<const std::uint32_t> rows = {});

// The matrix with its classes, for a report.
[[nodiscard]] Json ConfusionReport(const ModelManifest& manifest, std::span<const float> raw,
                                   std::span<const float> labels);

// What is better: more of it, less, nearer to 0 (bias), or neither (positiveRate, and what is no
// metric).
enum class Direction : std::uint8_t { kMore, kLess, kNearZero, kNone };
[[nodiscard]] Direction DirectionOf(const std::string& metric);
// Is `value` better than `other`? Never where the metric has no direction.
[[nodiscard]] bool IsBetter(const std::string& metric, double value, double other);
// The worst number there is: what stands where a number must stand and nothing is defined, so that
// it passes no bound of the metric's direction.
[[nodiscard]] double WorstOf(const std::string& metric);

}  // namespace penstock::sdk
