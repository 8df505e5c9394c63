// A model's answers on the rows of a dataset, on the way on which the server answers them: loaded
// by components/model, held to the signature row by row, any back end. What a server refuses is
// refused here, and never imputed: it ends the step, or is left out and counted.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "components/model/model_loader.h"
#include "components/model_format/model_artifact.h"
#include "components/sdk/metrics.h"
#include "operator/base/result.h"

namespace penstock::evaluate {

struct ServedModel {
  sdk::ModelManifest manifest;
  model::LoadedModel loaded;
};
// Invalid names the file, or that the model names no label to compare with.
[[nodiscard]] Result<ServedModel> LoadServed(const std::string& folder);

// A row that the signature refuses.
struct Refusal {
  std::int64_t row = -1;  // of the dataset, from 0; -1: none
  std::string column;
  Json value;  // null too for what is not finite
  std::string why;
};
struct Refusals {
  std::int64_t count = 0;
  std::vector<Refusal> first;  // kShownRefusals of them
};
inline constexpr std::size_t kShownRefusals = 3;

// In the dataset's order, without the rows that are refused.
struct Scored {
  sdk::ModelManifest manifest;
  std::vector<float> raw;                // RawWidth() floats a row
  std::vector<float> labels;             // class indices or values
  std::vector<double> exact;             // of a regression: the values before float32
  std::vector<double> weights = {};      // empty: 1 each
  std::vector<std::uint32_t> rows = {};  // their numbers in the dataset; empty: all of them
  Refusals refused = {};

  [[nodiscard]] sdk::Judged View() const { return {raw, labels, exact, weights}; }
  // The number in the dataset of a row of these.
  [[nodiscard]] std::int64_t RowOf(std::size_t i) const {
    return rows.empty() ? std::int64_t(i) : std::int64_t(rows[i]);
  }
};

enum class OnRefused : std::uint8_t { kFail, kCount };
// Of a row of which the label is null. Of several labels it counts for the others.
enum class OnUnlabelled : std::uint8_t { kFail, kLeaveOut };

// Invalid, naming row, column and value, for a label that is null or no class of the model's, an
// answer that is no number, a column that is not there, and a dataset without rows. So too, with
// kFail, for rows that the signature refuses: the first of them, and how many there are; with
// kCount where all are. `refused` gets the first also where there is an error. With kLeaveOut rows
// whose label is null are left out (where all are: Invalid).
[[nodiscard]] Result<Scored> Score(const ServedModel& served, const std::string& dataset,
                                   Refusal* refused = nullptr,
                                   OnRefused on_refused = OnRefused::kFail,
                                   OnUnlabelled on_unlabelled = OnUnlabelled::kFail);
// Both.
[[nodiscard]] Result<Scored> ScoreModel(const std::string& model, const std::string& dataset);

// The raw answers to rows whose columns are the signature's inputs. Any back end.
[[nodiscard]] Result<std::vector<float>> Answer(const ServedModel& served,
                                                std::vector<model::InputTensor> fitted);
// What `Answer` takes, of a batch that has these columns; refused where a server would.
[[nodiscard]] Result<std::vector<model::InputTensor>> FittedInputs(const ServedModel& served,
                                                                   const arrow::RecordBatch& rows);

// Weights of the scored rows. Invalid, by row, for what is null, not finite or below 0, for a
// column that is no number, and where all are 0.
[[nodiscard]] Result<void> LoadWeights(const std::string& dataset, const std::string& column,
                                       Scored* scored);

}  // namespace penstock::evaluate
