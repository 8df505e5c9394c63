// CheckExamples: the model's own examples, on the way that every row goes, and the trial of a
// batch.
#include <algorithm>
#include <optional>
#include <utility>

#include "components/model/example_json.h"
#include "components/model/model_loader.h"
#include "components/model/model_trial.h"

namespace penstock::model {
namespace {

constexpr std::size_t kTogether = 32;  // examples in one batch
constexpr std::size_t kFewRows = 3;    // too few to tell the rows of a batch apart

Result<std::vector<Tensor>> Answer(const Model& model, std::vector<InputTensor> inputs) {
  auto rows = FitInputs(model.signature(), &inputs);
  if (!rows) return rows.error();
  auto prepared = model.Prepare(std::move(inputs));
  if (!prepared) return prepared.error();
  auto raw = model.Run(*prepared);
  if (!raw) return raw.error();
  return model.Present(std::move(*raw));
}

Result<void> CheckRange(const LoadedModel& loaded, std::size_t first, std::size_t count) {
  const std::string which = "example " + std::to_string(first + 1);
  const std::string all = count == 1 ? which : which + " and those after it";
  auto inputs =
      InputsOf(loaded.model->signature(), std::span(loaded.examples).subspan(first, count));
  if (!inputs) return Wrap(all, inputs.error());
  auto outputs = Answer(*loaded.model, std::move(*inputs));
  if (!outputs) return Wrap(all, outputs.error());
  const bool batched = loaded.model->signature().batched;
  for (const Tensor& output : *outputs) {
    if (batched &&
        (output.shape.empty() || output.shape.front() != static_cast<std::int64_t>(count))) {
      return Internal(which + ": output '" + output.name + "' has shape " +
                      FormatShape(output.shape) + " for " + std::to_string(count) + " rows");
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    auto right = loaded.matches(loaded.examples[first + i], RowOf(*outputs, batched, i));
    if (!right) return Wrap("example " + std::to_string(first + i + 1), right.error());
  }
  return {};
}

// FitInputs and Prepare of one row.
Result<std::vector<Tensor>> PrepareRow(const Model& model, std::vector<InputTensor> inputs) {
  if (auto rows = FitInputs(model.signature(), &inputs); !rows) return rows.error();
  return model.Prepare(std::move(inputs));
}

// Without examples a model must take one of the rows that are made up; with one or two of them, a
// batch has more to tell rows apart by.
Result<void> AddMadeUpRows(const Model& model, std::vector<std::vector<Tensor>>* rows) {
  const bool needed = rows->empty();
  std::optional<Error> refused;
  for (std::vector<InputTensor>& inputs : MadeUpRows(model.signature())) {
    auto prepared = PrepareRow(model, std::move(inputs));
    auto ran = prepared ? model.Run(*prepared) : prepared;
    if (ran) {
      rows->push_back(std::move(*prepared));
    } else if (!refused) {
      refused = ran.error();
    }
  }
  if (!needed || !rows->empty()) return {};
  return Wrap(
      "a trial of rows made up by the signature (if the model takes no zeros and no numbers from "
      "-1 to 1, put rows that it takes into examples.jsonl)",
      *refused);
}

}  // namespace

Result<void> CheckExamples(const LoadedModel& loaded, std::int64_t full_batch) {
  const std::size_t total = loaded.examples.size();
  std::vector<std::vector<Tensor>> rows;
  for (std::size_t i = 0; i < std::min(total, kTogether); ++i) {
    if (auto checked = CheckRange(loaded, i, 1); !checked) return checked;
    auto inputs =
        InputsOf(loaded.model->signature(), std::span(loaded.examples).subspan(i, 1)).value();
    rows.push_back(PrepareRow(*loaded.model, std::move(inputs)).value());
  }
  for (std::size_t i = 0; loaded.model->signature().batched && i < total; i += kTogether) {
    if (auto checked = CheckRange(loaded, i, std::min(kTogether, total - i)); !checked)
      return checked;
  }
  if (total < kFewRows) {
    if (auto added = AddMadeUpRows(*loaded.model, &rows); !added) return added;
  }
  return TryRows(*loaded.model, rows, full_batch);
}

}  // namespace penstock::model
