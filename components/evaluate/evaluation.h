// A model on a dataset: the numbers that evaluate reports and bless judges.
#pragma once

#include <string>
#include <vector>

#include "components/model_format/model_artifact.h"
#include "components/sdk/matrix.h"

namespace penstock::evaluate {

// A model's answers on the rows of a dataset, in the dataset's order.
struct Scored {
  sdk::ModelManifest manifest;
  std::vector<float> raw;     // RawWidth() floats a row
  std::vector<float> labels;  // class indices or values
};
[[nodiscard]] Result<Scored> ScoreModel(const std::string& model, const std::string& dataset);

// {"overall", "confusion", "slices": [{"column", "value", "metrics"}]}: slices by column, the
// largest first; those of fewer than `min_rows` rows are counted under "smallSlices" only.
[[nodiscard]] Json Report(const Scored& scored, const std::vector<sdk::SliceColumn>& slices,
                          std::size_t min_rows);

// auc, accuracy or rmse: the one number of a task.
[[nodiscard]] std::string MainMetric(const sdk::ModelManifest& manifest);

}  // namespace penstock::evaluate
