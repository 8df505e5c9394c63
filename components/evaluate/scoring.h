// A model's answers on the rows of a dataset, on the way on which the server answers them: loaded
// by components/model, held to the signature row by row, any back end. What a server refuses is
// refused here, and never imputed.
#pragma once

#include <string>
#include <vector>

#include "components/model/model_loader.h"
#include "components/model_format/model_artifact.h"
#include "operator/base/result.h"

namespace penstock::evaluate {

struct ServedModel {
  sdk::ModelManifest manifest;
  model::LoadedModel loaded;
};
// Invalid names the file, or that the model names no label to compare with.
[[nodiscard]] Result<ServedModel> LoadServed(const std::string& folder);

// In the dataset's order.
struct Scored {
  sdk::ModelManifest manifest;
  std::vector<float> raw;     // RawWidth() floats a row
  std::vector<float> labels;  // class indices or values
  std::vector<double> exact;  // of a regression: the values before float32
};

// The first row that the signature refuses.
struct Refusal {
  std::int64_t row = -1;  // -1: none
  std::string column;
  Json value;  // null too for what is not finite
};

// Invalid, naming row, column and value, for a row that the signature refuses (told in `refused`
// too, where given), a label that is null or no class of the model's, an answer that is no number,
// a column that is not there, and a dataset without rows.
[[nodiscard]] Result<Scored> Score(const ServedModel& served, const std::string& dataset,
                                   Refusal* refused = nullptr);
// Both.
[[nodiscard]] Result<Scored> ScoreModel(const std::string& model, const std::string& dataset);

}  // namespace penstock::evaluate
