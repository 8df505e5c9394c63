#include "components/model/signature.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "components/model/input_values.h"

namespace penstock::model {
namespace {

std::string Quote(const std::string& name) { return "'" + name + "'"; }

template <typename Spec>
std::string NamesOf(const std::vector<Spec>& specs) {
  std::string text;
  for (const auto& spec : specs) text += (text.empty() ? "" : ", ") + spec.name;
  return text;
}

std::optional<Error> CheckColumn(const InputSpec& spec, const InputTensor& input) {
  const bool flat = input.shape.size() == 1 || (input.shape.size() == 2 && input.shape.back() == 1);
  if (!flat) {
    return Invalid("input " + Quote(spec.name) +
                   " is a column: its shape must be [N] or [N, 1], not " +
                   FormatShape(input.shape));
  }
  const bool text = input.datatype == Datatype::kBytes;
  if (text && spec.datatype != Datatype::kBytes) {  // the transform judges the values
    return Invalid("input " + Quote(spec.name) + " has datatype BYTES, the model takes " +
                   Name(spec.datatype));
  }
  return std::nullopt;
}

std::optional<Error> CheckTensor(const InputSpec& spec, const InputTensor& input) {
  const bool kind_fits =
      input.datatype == spec.datatype ||
      (IsFloat(spec.datatype) && (IsInteger(input.datatype) || IsFloat(input.datatype))) ||
      (IsInteger(spec.datatype) && (IsInteger(input.datatype) || IsFloat(input.datatype)));
  if (!kind_fits) {
    return Invalid("input " + Quote(spec.name) + " has datatype " + Name(input.datatype) +
                   ", the model takes " + Name(spec.datatype));
  }
  bool fits = input.shape.size() == spec.shape.size();
  for (std::size_t i = 0; fits && i < spec.shape.size(); ++i) {
    fits = spec.shape[i] < 0 || spec.shape[i] == input.shape[i];
  }
  if (!fits) {
    return Invalid("input " + Quote(spec.name) + " has shape " + FormatShape(input.shape) +
                   ", the model takes " + FormatShape(spec.shape));
  }
  return std::nullopt;
}

std::optional<Error> CheckInput(const InputSpec& spec, InputTensor* input) {
  if (auto error = spec.is_column ? CheckColumn(spec, *input) : CheckTensor(spec, *input))
    return error;
  return TakeValues(spec, input);
}

bool InOrder(const Signature& signature, const std::vector<InputTensor>& inputs) {
  return std::equal(
      inputs.begin(), inputs.end(), signature.inputs.begin(), signature.inputs.end(),
      [](const InputTensor& input, const InputSpec& spec) { return input.name == spec.name; });
}

// The signature's order; every input exactly once.
Result<std::vector<InputTensor>> Order(const Signature& signature,
                                       std::vector<InputTensor> inputs) {
  if (InOrder(signature, inputs)) return inputs;
  std::vector<InputTensor> ordered(signature.inputs.size());
  std::vector<bool> seen(signature.inputs.size());
  for (InputTensor& input : inputs) {
    std::size_t at = 0;
    while (at < ordered.size() && signature.inputs[at].name != input.name) ++at;
    if (at == ordered.size()) {
      return Invalid("unknown input " + Quote(input.name) + "; the model takes " +
                     NamesOf(signature.inputs));
    }
    if (seen[at]) return Invalid("input " + Quote(input.name) + " is given twice");
    seen[at] = true;
    ordered[at] = std::move(input);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i]) return Invalid("input " + Quote(signature.inputs[i].name) + " is missing");
  }
  return ordered;
}

}  // namespace

Result<std::int64_t> FitInputs(const Signature& signature, std::vector<InputTensor>* inputs) {
  auto ordered = Order(signature, std::move(*inputs));
  if (!ordered) return ordered.error();
  *inputs = std::move(*ordered);
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < inputs->size(); ++i) {
    InputTensor& input = (*inputs)[i];
    if (auto error = CheckInput(signature.inputs[i], &input)) return *error;
    if (!signature.batched) continue;
    const std::int64_t own = input.shape.empty() ? 0 : input.shape.front();
    if (own == 0) return Invalid("input " + Quote(input.name) + " has no rows");
    if (i == 0) rows = own;
    if (own != rows) {
      return Invalid("input " + Quote(input.name) + " has " + std::to_string(own) +
                     " rows, input " + Quote(inputs->front().name) + " has " +
                     std::to_string(rows));
    }
  }
  return rows;
}

Result<std::vector<std::size_t>> SelectOutputs(const Signature& signature,
                                               const std::vector<std::string>& names) {
  std::vector<std::size_t> chosen;
  if (names.empty()) {
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) chosen.push_back(i);
    return chosen;
  }
  for (const std::string& name : names) {
    std::size_t at = 0;
    while (at < signature.outputs.size() && signature.outputs[at].name != name) ++at;
    if (at == signature.outputs.size()) {
      return Invalid("unknown output " + Quote(name) + "; the model gives " +
                     NamesOf(signature.outputs));
    }
    if (std::find(chosen.begin(), chosen.end(), at) != chosen.end()) {
      return Invalid("output " + Quote(name) + " is asked for twice");
    }
    chosen.push_back(at);
  }
  return chosen;
}

}  // namespace penstock::model
