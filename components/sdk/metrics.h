// Metrics of a model's answers. Pure functions; formulas as scikit-learn 1.9's documentation
// ("Metrics and scoring") states them, values equal to it on float64 copies within 1e-12.
//
// Where a metric is not defined it has no value here, and a sentence says why; scikit-learn gives
// there, with a warning or none, nan (AUC of one class), 0 (precision without a row decided
// positive, recall, F1 and average precision without a positive one, mcc where only one class is
// decided or occurs), the recall of the one class (balanced accuracy), 0 or 1 (r2 and explained
// variance of constant labels) or 1e15 (mape where a label is 0).
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

// The rows that score this or more: their weight by label.
struct RankedPoint {
  double score = 0;
  double positives = 0;
  double negatives = 0;
};
// By falling score, one point for each that occurs. `weights`: >= 0, empty for 1 each; rows of
// weight 0 count for nothing.
[[nodiscard]] std::vector<RankedPoint> Ranked(std::span<const float> scores,
                                              std::span<const std::uint8_t> positive,
                                              std::span<const double> weights = {});

// Area under the ROC curve = Mann-Whitney U / (positives * negatives), ties count one half (Hanley
// and McNeil, Radiology 143, 1982). NaN where there is one class only.
[[nodiscard]] double Auc(std::span<const RankedPoint> ranked);
[[nodiscard]] double Auc(std::span<const float> scores, std::span<const std::uint8_t> positive);
// Sum over the points of the precision there times the recall gained. NaN without a positive row.
[[nodiscard]] double AveragePrecision(std::span<const RankedPoint> ranked);

// -mean(log p of the true class); p is clipped to [eps, 1 - eps], eps of float64.
[[nodiscard]] double LogLoss(std::span<const float> raw, std::size_t width,
                             std::span<const float> labels);
// Of one row.
[[nodiscard]] double RowLogLoss(std::span<const float> raw, float label);

// counts[actual][predicted], by index of the class.
[[nodiscard]] std::vector<std::vector<std::int64_t>> ConfusionMatrix(
    std::span<const std::uint32_t> predicted, std::span<const float> labels, std::size_t classes);

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

// What a model answered, and what is true.
struct Judged {
  std::span<const float> raw;            // RawWidth() floats a row
  std::span<const float> labels;         // class indices or values
  std::span<const double> exact = {};    // of a regression: the values before float32; else empty
  std::span<const double> weights = {};  // >= 0, their sum above 0; empty: 1 each
};

// Everything that suits the manifest's task, over the chosen rows (all when `rows` is empty):
//   binary       auc averagePrecision accuracy balancedAccuracy precision recall f1 mcc logLoss
//                brier positiveRate
//   multi-class  accuracy balancedAccuracy macroPrecision macroRecall macroF1 macroAuc (one class
//                against the rest) mcc logLoss brier (summed over the classes), with more than 3
//                and 5 classes top3Accuracy and top5Accuracy (of equals the later class first)
//   regression   rmse mae medianAbsoluteError mape r2 explainedVariance bias
// With a `confidence` each has its two-sided interval, where there are rows enough: shares by
// Wilson (J. Am. Stat. Assoc. 22, 1927), F1 as 2J / (1 + J) of the share J = TP / (TP + FP + FN),
// AUC without weights by DeLong (delong.h), means by the normal approximation, ratios (macro
// averages, r2, explained variance) by linearisation. Weighted shares count as (sum w)^2 / sum w^2
// rows (Kish, Survey Sampling, 1965). averagePrecision, macroAuc, mcc, medianAbsoluteError and a
// weighted auc have none here.
[[nodiscard]] Metrics Measure(const ModelManifest& manifest, const Judged& judged,
                              std::span<const std::uint32_t> rows = {}, double confidence = 0);
[[nodiscard]] Metrics Measure(const ModelManifest& manifest, std::span<const float> raw,
                              std::span<const float> labels,
                              std::span<const std::uint32_t> rows = {}, double confidence = 0);

// The decided class of each row, as an index. Not for regression.
[[nodiscard]] std::vector<std::uint32_t> Decisions(const ModelManifest& manifest,
                                                   std::span<const float> raw);

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
