#include "components/evaluate/scoring.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "components/predict/arrow_tensors.h"
#include "components/sdk/cells.h"
#include "components/sdk/dataset.h"
#include "components/sdk/matrix.h"
#include "operator/base/try.h"

namespace penstock::evaluate {
namespace {

constexpr std::int64_t kChunkRows = 8192;

Result<std::vector<float>> Answer(const ServedModel& served, const arrow::RecordBatch& rows) {
  const model::Signature& signature = served.loaded.model->signature();
  std::vector<model::InputTensor> inputs;
  for (const model::InputSpec& spec : signature.inputs) {
    PENSTOCK_ASSIGN(auto input, predict::ToInput(*rows.GetColumnByName(spec.name), spec));
    inputs.push_back(std::move(input));
  }
  PENSTOCK_TRY(model::FitInputs(signature, &inputs));
  PENSTOCK_ASSIGN(const auto prepared, served.loaded.model->Prepare(std::move(inputs)));
  PENSTOCK_ASSIGN(auto raw, served.loaded.model->Run(prepared));
  return std::get<std::vector<float>>(std::move(raw.front().data));
}

// Why the signature refuses one value; nullopt where it takes it.
Result<std::optional<std::string>> WhyRefused(const model::InputSpec& spec,
                                              const sdk::Column& column, const arrow::Array& one,
                                              const sdk::Cell& cell) {
  const bool null = cell.index() == 0;
  const auto* number = std::get_if<double>(&cell);
  if (!spec.nullable && (null || (number != nullptr && !std::isfinite(*number)))) {
    return std::optional<std::string>("this input takes no nulls, as training saw none");
  }
  PENSTOCK_ASSIGN(auto input, predict::ToInput(one, spec));
  model::Signature alone;
  alone.inputs = {spec};
  std::vector<model::InputTensor> inputs;
  inputs.push_back(std::move(input));
  if (auto fits = model::FitInputs(alone, &inputs); !fits) {
    return std::optional<std::string>(fits.error().message);
  }
  if (auto is = sdk::Coerce(cell, column); !is) {
    return std::optional<std::string>(is.error().message);
  }
  return std::optional<std::string>();
}

// The first row of a batch that is refused, and by which column; `first` is the batch's first row.
// Nullopt where no single value is at fault.
Result<std::optional<Error>> FindRefusal(const ServedModel& served, const arrow::RecordBatch& rows,
                                         std::int64_t first, Refusal* refused) {
  const auto& specs = served.loaded.model->signature().inputs;
  for (std::int64_t r = 0; r < rows.num_rows(); ++r) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
      PENSTOCK_ASSIGN(const auto column, sdk::FindColumn(rows, specs[i].name));
      const sdk::Cell cell = CellAt(column, r);
      PENSTOCK_ASSIGN(const auto why, WhyRefused(specs[i], served.manifest.inputs[i],
                                                 *column.array->Slice(r, 1), cell));
      if (!why) continue;
      if (refused != nullptr) *refused = {first + r, specs[i].name, sdk::CellToJson(cell)};
      return std::optional<Error>(Invalid("row " + std::to_string(first + r) + ", column '" +
                                          specs[i].name + "', is " + sdk::ShownCell(cell) +
                                          ", which a server of this model refuses: " + *why));
    }
  }
  return std::optional<Error>();
}

Result<void> CheckFinite(const std::vector<float>& raw, std::size_t width, std::int64_t first) {
  const auto at =
      std::find_if(raw.begin(), raw.end(), [](float v) { return !std::isfinite(v); }) - raw.begin();
  if (std::size_t(at) == raw.size()) return {};
  return Invalid("row " + std::to_string(first + at / std::int64_t(width)) +
                 ": the model answers " + std::to_string(raw[std::size_t(at)]) +
                 ", which is no number to judge");
}

}  // namespace

Result<ServedModel> LoadServed(const std::string& folder) {
  ServedModel served;
  PENSTOCK_ASSIGN(served.manifest, sdk::LoadModelManifest(folder));
  if (served.manifest.label.empty()) {
    return Invalid(folder + ": model.yaml names no label, so there is nothing to compare with");
  }
  PENSTOCK_ASSIGN(served.loaded, model::LoadModel(folder));
  const auto& inputs = served.loaded.model->signature().inputs;
  bool columns = inputs.size() == served.manifest.inputs.size();
  for (const model::InputSpec& input : inputs) columns = columns && input.is_column;
  if (!columns) {
    return Invalid(folder + ": takes tensors; rows of a dataset are given to a model with " +
                   sdk::kTransformFile);
  }
  return served;
}

Result<Scored> Score(const ServedModel& served, const std::string& dataset, Refusal* refused) {
  Scored scored;
  scored.manifest = served.manifest;
  PENSTOCK_ASSIGN(scored.labels,
                  sdk::LoadLabels(dataset, sdk::LabelOf(served.manifest), &scored.exact));
  std::vector<std::string> names;
  for (const sdk::Column& column : served.manifest.inputs) names.push_back(column.name);
  std::int64_t first = 0;
  const std::size_t width = served.manifest.RawWidth();
  PENSTOCK_TRY(sdk::ForEachBatch(dataset, names, [&](const arrow::RecordBatch& b) -> Result<void> {
    for (std::int64_t at = 0; at < b.num_rows(); at += kChunkRows) {
      const auto rows = b.Slice(at, std::min(kChunkRows, b.num_rows() - at));
      const auto raw = Answer(served, *rows);
      if (!raw) {
        PENSTOCK_ASSIGN(auto refusal, FindRefusal(served, *rows, first, refused));
        if (refusal) return *refusal;
        return Wrap("rows from " + std::to_string(first) + " on", raw.error());
      }
      PENSTOCK_TRY(CheckFinite(*raw, width, first));
      scored.raw.insert(scored.raw.end(), raw->begin(), raw->end());
      first += rows->num_rows();
    }
    return {};
  }));
  return scored;
}

Result<Scored> ScoreModel(const std::string& model, const std::string& dataset) {
  PENSTOCK_ASSIGN(const auto served, LoadServed(model));
  return Score(served, dataset);
}

}  // namespace penstock::evaluate
