// CheckExamples: the model's own examples, on the way that every row goes.
#include <algorithm>
#include <utility>

#include "components/model/example_json.h"
#include "components/model/model_loader.h"

namespace penstock::model {
namespace {

constexpr std::size_t kTogether = 32;  // examples in one batch

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

// Best effort: a network may refuse zeros, and says so to the first client then.
void WarmUpWithZeros(const Model& model) {
  std::vector<Tensor> inputs;
  for (const InputSpec& spec : model.signature().inputs) {
    if (spec.is_column) return;
    Tensor tensor{"", spec.datatype, spec.shape, {}};
    for (std::int64_t& dim : tensor.shape) dim = dim < 0 ? 1 : dim;
    const auto size = static_cast<std::size_t>(ElementCount(tensor.shape).value_or(0));
    if (spec.datatype == Datatype::kFp32) tensor.data = std::vector<float>(size);
    if (spec.datatype == Datatype::kFp64) tensor.data = std::vector<double>(size);
    if (spec.datatype == Datatype::kBool) tensor.data = std::vector<std::uint8_t>(size);
    if (IsInteger(spec.datatype)) tensor.data = std::vector<std::int64_t>(size);
    inputs.push_back(std::move(tensor));
  }
  (void)model.Run(inputs);
}

}  // namespace

Result<void> CheckExamples(const LoadedModel& loaded) {
  if (loaded.examples.empty()) WarmUpWithZeros(*loaded.model);
  const std::size_t total = loaded.examples.size();
  for (std::size_t i = 0; i < std::min(total, kTogether); ++i) {
    if (auto checked = CheckRange(loaded, i, 1); !checked) return checked;
  }
  if (!loaded.model->signature().batched) return {};
  for (std::size_t i = 0; i < total; i += kTogether) {
    if (auto checked = CheckRange(loaded, i, std::min(kTogether, total - i)); !checked)
      return checked;
  }
  return {};
}

}  // namespace penstock::model
