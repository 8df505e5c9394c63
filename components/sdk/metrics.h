// Metrics of a model's answers. Pure functions; formulas as scikit-learn 1.5's documentation
// ("Metrics and scoring") states them, values equal to it within rounding.
#pragma once

#include <cstdint>
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

// counts[actual][predicted], by index of the class.
[[nodiscard]] std::vector<std::vector<std::int64_t>> ConfusionMatrix(
    std::span<const std::uint32_t> predicted, std::span<const float> labels, std::size_t classes);

struct RegressionMetrics {
  double rmse = 0;
  double mae = 0;
  double r2 = 0;    // 1 - SSE / SST; NaN for constant labels
  double bias = 0;  // mean(predicted - actual)
};
[[nodiscard]] RegressionMetrics Regression(std::span<const float> predicted,
                                           std::span<const float> actual);

// Everything that suits the manifest's task, over the chosen rows (all when `rows` is empty):
//   binary       auc accuracy precision recall f1 logLoss brier positiveRate
//   multi-class  accuracy macroPrecision macroRecall macroF1 logLoss
//   regression   rmse mae r2 bias
// and `rows`. A metric that is not defined there (AUC of one class) is null. `raw` has RawWidth()
// floats a row; `labels` are class indices or values.
[[nodiscard]] Json ComputeMetrics(const ModelManifest& manifest, std::span<const float> raw,
                                  std::span<const float> labels,
                                  std::span<const std::uint32_t> rows = {});

// The matrix with its classes, for a report.
[[nodiscard]] Json ConfusionReport(const ModelManifest& manifest, std::span<const float> raw,
                                   std::span<const float> labels);

// Is more of it better? False for logLoss, brier, rmse, mae, bias.
[[nodiscard]] bool HigherIsBetter(const std::string& metric);

}  // namespace penstock::sdk
