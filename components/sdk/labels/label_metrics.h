// Metrics of a model of several labels, over rows and labels together. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "components/sdk/metrics.h"

namespace penstock::sdk {

// What is known of one label in one row.
enum class Truth : std::uint8_t { kNo = 0, kYes = 1, kUnknown = 2 };

// Answers of a model of several labels, and what is true. Row-major, rows x labels; borrowed.
struct JudgedLabels {
  std::size_t labels = 0;
  std::span<const float> probability;     // of each label's positive class
  std::span<const std::uint8_t> decided;  // 1: the positive class
  std::span<const Truth> truth;           // kUnknown: the row does not count for the label
  std::span<const double> weights = {};   // of rows; >= 0, their sum above 0; empty: 1 each
  std::vector<std::string> names = {};    // of the labels, for sentences

  [[nodiscard]] std::size_t rows() const { return labels == 0 ? 0 : truth.size() / labels; }
};

// Over all that is known of rows and labels (for each label on its own, `macro`, or together,
// `micro`):
//   macroAuc macroAveragePrecision macroPrecision macroRecall macroF1 microPrecision microRecall
//   microF1 hammingLoss logLoss (the mean over the labels)
// Over the rows of which every label is known:
//   subsetAccuracy (all labels right), labelRankingAveragePrecision (1 for a row with all labels or
//   none; of equals the worst rank), coverageError (how far down the ranking all its labels are; 0
//   for a row without one), rankingLoss (of the pairs of a label that the row has and one that it
//   has not, those not in order; 0 for a row without such)
// A label of which no row is positive and none is decided so counts as 0 in macroPrecision,
// macroRecall and macroF1, as scikit-learn's does; macroAuc and macroAveragePrecision are not
// defined where they are not for a label. Formulas as scikit-learn 1.9's "Multilabel ranking
// metrics" states them, values equal to it where every row has every label. Means over rows have an
// interval with a `confidence`.
[[nodiscard]] Metrics MeasureLabels(const JudgedLabels& judged, double confidence = 0);

}  // namespace penstock::sdk
