#include "components/model/model_trial.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <type_traits>
#include <utility>

namespace penstock::model {
namespace {

constexpr int kMadeUp = 8;  // rows
constexpr std::size_t kMostBytes = 64U << 20;

// Of the greatest value of an output: sums in another order differ by less.
constexpr double kTolerance = 1e-3;

double Within(const InputSpec& spec, double value) {
  if (spec.minimum && spec.maximum && !(value >= *spec.minimum && value <= *spec.maximum)) {
    const double part = value - std::floor(value);
    value = *spec.minimum + part * (*spec.maximum - *spec.minimum);
    if (!IsFloat(spec.datatype)) value = std::ceil(value);
  }
  if (spec.minimum) value = std::max(value, *spec.minimum);
  if (spec.maximum) value = std::min(value, *spec.maximum);
  return value;
}

// `next` gives a value from -1 to 1.
template <typename T, typename F>
std::vector<T> Numbers(const InputSpec& spec, std::size_t count, F next) {
  std::vector<T> values(count);
  for (T& value : values) {
    const double number = std::is_floating_point_v<T> ? next() : std::round(std::abs(next()));
    value = static_cast<T>(Within(spec, number));
  }
  return values;
}

template <typename F>
InputTensor MakeUp(const InputSpec& spec, bool batched, int row, F next) {
  InputTensor input{spec.name, spec.datatype, spec.shape, {}, {}};
  for (std::int64_t& dim : input.shape) dim = dim < 0 ? 1 : dim;
  if (batched) input.shape.front() = 1;
  const auto count = static_cast<std::size_t>(ElementCount(input.shape).value_or(0));
  input.typed = true;
  if (spec.is_time) {
    input.datatype = Datatype::kInt64;
    input.data = std::vector<std::int64_t>(count, row * std::int64_t{86'400'000'000});
  } else if (spec.datatype == Datatype::kBytes) {
    input.data = std::vector<std::string_view>(count, row % 2 == 0 ? "a" : "b");
  } else if (spec.datatype == Datatype::kBool) {
    std::vector<std::uint8_t> truths(count);
    for (std::uint8_t& truth : truths) truth = next() > 0 ? 1 : 0;
    input.data = std::move(truths);
  } else if (spec.datatype == Datatype::kFp64) {
    input.data = Numbers<double>(spec, count, next);
  } else if (IsInteger(spec.datatype)) {
    input.data = Numbers<std::int64_t>(spec, count, next);
  } else {
    input.data = Numbers<float>(spec, count, next);
  }
  return input;
}

std::size_t BytesOf(const std::vector<Tensor>& row) {
  std::size_t bytes = 1;
  for (const Tensor& tensor : row) bytes += tensor.size() * sizeof(std::int64_t);
  return bytes;
}

bool SameShapes(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return x.shape == y.shape; });
}

std::string OutputName(const Signature& signature, std::size_t i) {
  return "output " + (signature.outputs.size() > i ? "'" + signature.outputs[i].name + "'"
                                                   : std::to_string(i + 1));
}

constexpr const char* kFixed =
    "; was the network exported for a fixed number of rows? Export it with the batch left open";

Result<std::vector<Tensor>> Run(const Model& model, const std::vector<Tensor>& inputs,
                                std::int64_t rows) {
  const std::string which =
      rows == 1 ? "a trial of one row" : "a trial of " + std::to_string(rows) + " rows at once";
  auto raw = model.Run(inputs);
  if (!raw) return Wrap(which, raw.error());
  auto presented = model.Present(*raw);
  if (!presented) return Wrap(which, presented.error());
  for (std::size_t i = 0; model.signature().batched && i < raw->size(); ++i) {
    const Shape& shape = (*raw)[i].shape;
    if (shape.empty() || shape.front() != rows) {
      return Invalid(which + ": " + OutputName(model.signature(), i) + " is of shape " +
                     FormatShape(shape) + kFixed);
    }
  }
  return raw;
}

// The greatest size of a finite value.
double Greatest(const Tensor& tensor) {
  double most = 0;
  std::visit(
      [&](const auto& values) {
        using T = typename std::decay_t<decltype(values)>::value_type;
        if constexpr (std::is_floating_point_v<T>) {
          for (const T& value : values) {
            if (std::isfinite(value)) most = std::max(most, std::abs(static_cast<double>(value)));
          }
        }
      },
      tensor.data);
  return most;
}

// What the same value may differ by in each output, by the size of what it has for any row: a small
// one may be the difference of large ones.
std::vector<double> Tolerances(const std::vector<std::vector<Tensor>>& alone) {
  std::vector<double> tolerances(alone.front().size());
  for (std::size_t i = 0; i < tolerances.size(); ++i) {
    for (const std::vector<Tensor>& outputs : alone)
      tolerances[i] = std::max(tolerances[i], kTolerance * Greatest(outputs[i]) + 1e-5);
  }
  return tolerances;
}

bool Near(double a, double b, double tolerance) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance;
}

// The first element of `own` that is another at `offset` of `together`; what both are.
std::string Difference(const Tensor& own, const Tensor& together, std::size_t offset,
                       double tolerance) {
  if (own.data.index() != together.data.index()) return "is of another type";
  return std::visit(
      [&](const auto& values) -> std::string {
        using T = typename std::decay_t<decltype(values)>::value_type;
        if constexpr (std::is_arithmetic_v<T>) {
          const auto& all = std::get<std::decay_t<decltype(values)>>(together.data);
          for (std::size_t i = 0; i < values.size(); ++i) {
            const auto alone = static_cast<double>(values[i]);
            const auto other = static_cast<double>(all[offset + i]);
            if (!Near(alone, other, std::is_integral_v<T> ? 0 : tolerance))
              return "is " + std::to_string(other) + ", and " + std::to_string(alone) + " alone";
          }
        }
        return "";
      },
      own.data);
}

}  // namespace

std::vector<std::vector<InputTensor>> MadeUpRows(const Signature& signature) {
  std::mt19937 random(20'240'101);
  std::vector<std::vector<InputTensor>> rows;
  for (int row = 0; row < kMadeUp; ++row) {
    const auto next = [&] {
      return row == 0 ? 0.0 : static_cast<double>(random()) / 2147483648.0 - 1.0;
    };
    std::vector<InputTensor>& inputs = rows.emplace_back();
    for (const InputSpec& spec : signature.inputs)
      inputs.push_back(MakeUp(spec, signature.batched, row, next));
  }
  return rows;
}

Result<void> TryRows(const Model& model, const std::vector<std::vector<Tensor>>& rows,
                     std::int64_t full_batch) {
  std::vector<const std::vector<Tensor>*> asked;  // those that go together
  std::vector<std::vector<Tensor>> alone;
  for (const std::vector<Tensor>& row : rows) {
    auto raw = Run(model, row, 1);
    if (!raw) return raw.error();
    if (!SameShapes(row, rows.front())) continue;
    asked.push_back(&row);
    alone.push_back(std::move(*raw));
  }
  const auto room = static_cast<std::int64_t>(kMostBytes / BytesOf(rows.front()));
  const std::int64_t count = std::min(full_batch, std::max<std::int64_t>(room, 2));
  if (!model.signature().batched || count < 2) return {};

  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < rows.front().size(); ++i) {
    std::vector<const Tensor*> parts;
    for (std::int64_t row = 0; row < count; ++row)
      parts.push_back(&(*asked[static_cast<std::size_t>(row) % asked.size()])[i]);
    inputs.push_back(ConcatenateRows(parts));
  }
  const auto together = Run(model, inputs, count);
  if (!together) return together.error();
  const std::vector<double> tolerances = Tolerances(alone);
  for (std::size_t row = 0; row < static_cast<std::size_t>(count); ++row) {
    const std::vector<Tensor>& own = alone[row % alone.size()];
    for (std::size_t i = 0; i < own.size(); ++i) {
      const std::size_t width = (*together)[i].size() / static_cast<std::size_t>(count);
      const std::string what = own.size() == together->size() && width == own[i].size()
                                   ? Difference(own[i], (*together)[i], row * width, tolerances[i])
                                   : "is of another shape than alone";
      if (what.empty()) continue;
      return Invalid("a trial of " + std::to_string(count) + " rows at once: row " +
                     std::to_string(row + 1) + " of " + OutputName(model.signature(), i) + " " +
                     what + kFixed);
    }
  }
  return {};
}

}  // namespace penstock::model
