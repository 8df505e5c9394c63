// What a model answered to rows that it had not seen: train's output `predictions`, or any dataset
// with a label and the classes' probabilities. Memory: 8 bytes a class and 20 more a row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "components/audit/labels/confident.h"
#include "operator/base/result.h"

namespace penstock::audit {

inline constexpr std::int64_t kMostProbabilities = 50'000'000;  // 400 MB

struct Predictions {
  std::vector<std::string> classes;   // in the order of the probabilities
  std::vector<double> probabilities;  // row-major
  std::vector<std::uint32_t> labels;
  std::vector<std::int64_t> rows;       // the column `row`, else the number in the dataset
  std::vector<std::uint8_t> in_second;  // the column `dataset` says valid
};
// Columns: the label, then `probability` (of two classes: of `positive`, or of the second in
// order), or `probability_0` and so on in the order of the classes: numbers and booleans rise,
// texts by their bytes. Invalid for labels or probabilities that are null, outside 0 to 1 or do not
// add up to 1 (within 1e-3), as many classes as there are no columns for, a regression's answers,
// and above kMostProbabilities.
[[nodiscard]] Result<Predictions> LoadPredictions(const std::string& dataset,
                                                  const std::string& label,
                                                  const std::string& positive);

// All label issues; a dataset of {dataset, row, label, likely, quality}, by rising quality.
[[nodiscard]] Result<void> WriteIssues(const std::string& folder, const Predictions& predictions,
                                       const std::vector<LabelIssue>& issues);

}  // namespace penstock::audit
