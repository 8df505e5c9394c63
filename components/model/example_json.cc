#include "components/model/example_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace penstock::model {
namespace {

using Wrong = std::optional<std::string>;
using Rows = std::vector<const Json*>;

constexpr std::size_t kMaxRank = 16;

// The dimensions of a nested list, for what the signature leaves open.
Shape ShapeOf(const Json& value) {
  Shape shape;
  for (const Json* at = &value; at->is_array(); at = &at->front()) {
    shape.push_back(static_cast<std::int64_t>(at->size()));
    if (at->empty()) break;
  }
  return shape;
}

Wrong Read(const Json& value, Datatype, double* out) {
  if (!value.is_number()) return "is not a finite number";
  *out = value.get<double>();
  return std::nullopt;
}
Wrong Read(const Json& value, Datatype datatype, float* out) {
  double number = 0;
  if (auto wrong = Read(value, datatype, &number)) return wrong;
  if (std::abs(number) > std::numeric_limits<float>::max()) return "is out of the range of FP32";
  *out = static_cast<float>(number);
  return std::nullopt;
}
// A number with a point or an exponent only when it is integral.
Wrong Read(const Json& value, Datatype datatype, std::int64_t* out) {
  if (!value.is_number()) return "is not an integer";
  const auto number = value.get<double>();
  if (std::trunc(number) != number) return "is not integral";
  bool fits = true;
  if (value.is_number_float()) fits = std::abs(number) < 0x1p63;
  if (value.is_number_float() && fits && std::abs(number) >= 0x1p53)
    return "is written as a float of 2^53 or beyond, which may have been rounded";
  if (value.is_number_unsigned()) fits = value.get<std::uint64_t>() <= INT64_MAX;
  *out = fits ? value.get<std::int64_t>() : 0;
  const IntegerRange range = RangeOf(datatype);
  if (!fits || *out < range.min || *out > range.max)
    return std::string("is out of the range of ") + Name(datatype);
  return std::nullopt;
}
Wrong Read(const Json& value, Datatype, std::uint8_t* out) {
  if (!value.is_boolean()) return "is neither true nor false";
  *out = value.get<bool>() ? 1 : 0;
  return std::nullopt;
}
Wrong Read(const Json& value, Datatype, std::string_view* out) {
  if (!value.is_string()) return "is not a string";
  *out = value.get_ref<const std::string&>();
  return std::nullopt;
}

// The values of a list that is nested as the shape from `axis` on, in order.
template <typename T>
Wrong Collect(const Json& value, std::size_t axis, InputTensor* input, std::vector<T>* values) {
  const std::string which = "element " + std::to_string(values->size()) + " ";
  if (axis == input->shape.size()) {
    T element{};
    if (value.is_null()) {
      input->nulls.resize(values->size() + 1);
      input->nulls.back() = 1;
    } else if (auto wrong = Read(value, input->datatype, &element)) {
      return which + *wrong;
    }
    values->push_back(element);
    return std::nullopt;
  }
  if (!value.is_array() || static_cast<std::int64_t>(value.size()) != input->shape[axis])
    return which + "is not nested as shape " + FormatShape(input->shape) + " says";
  for (const Json& inner : value) {
    if (auto wrong = Collect(inner, axis + 1, input, values)) return wrong;
  }
  return std::nullopt;
}

template <typename T>
Wrong Fill(const Rows& rows, std::size_t axis, InputTensor* input) {
  std::vector<T> values;
  for (const Json* row : rows) {
    if (auto wrong = Collect(*row, axis, input, &values)) return wrong;
  }
  if (!input->nulls.empty()) input->nulls.resize(values.size());
  input->data = std::move(values);
  return std::nullopt;
}

Wrong FillAsDatatype(const Rows& rows, std::size_t axis, InputTensor* input) {
  if (input->shape.size() > kMaxRank)
    return "it has more than " + std::to_string(kMaxRank) + " dimensions";
  switch (input->datatype) {
    case Datatype::kFp32:
      return Fill<float>(rows, axis, input);
    case Datatype::kFp64:
      return Fill<double>(rows, axis, input);
    case Datatype::kBool:
      return Fill<std::uint8_t>(rows, axis, input);
    case Datatype::kBytes:
      return Fill<std::string_view>(rows, axis, input);
    default:
      return Fill<std::int64_t>(rows, axis, input);
  }
}

// A column of text may hold timestamps as integers.
Datatype DatatypeOf(const InputSpec& spec, const Rows& rows) {
  const bool number =
      std::any_of(rows.begin(), rows.end(), [](const Json* v) { return v->is_number(); });
  return spec.is_column && spec.datatype == Datatype::kBytes && number ? Datatype::kInt64
                                                                       : spec.datatype;
}

Json ToJson(const Tensor& tensor, std::size_t begin, std::size_t end) {
  Json list = Json::array();
  std::visit(
      [&](const auto& values) {
        for (std::size_t i = begin; i < end; ++i) {
          if (tensor.datatype == Datatype::kBool) {
            if constexpr (std::is_same_v<std::decay_t<decltype(values[i])>, std::uint8_t>) {
              list.push_back(values[i] != 0);
              continue;
            }
          }
          list.push_back(values[i]);
        }
      },
      tensor.data);
  return list;
}

// Nests a flat list as `shape`, from axis `axis` on.
Json Nest(const Json& flat, const Shape& shape, std::size_t axis, std::size_t* at) {
  if (axis == shape.size()) return flat[(*at)++];
  Json list = Json::array();
  for (std::int64_t i = 0; i < shape[axis]; ++i) list.push_back(Nest(flat, shape, axis + 1, at));
  return list;
}

}  // namespace

Result<std::vector<InputTensor>> InputsOf(const Signature& signature,
                                          std::span<const Example> examples) {
  if (!signature.batched) examples = examples.first(1);
  std::vector<InputTensor> inputs;
  for (const InputSpec& spec : signature.inputs) {
    Rows rows;
    for (const Example& example : examples) {
      const auto value = example.inputs.find(spec.name);
      if (value == example.inputs.end()) return Invalid("it lacks the input '" + spec.name + "'");
      rows.push_back(&*value);
    }
    InputTensor input{spec.name, DatatypeOf(spec, rows), ShapeOf(*rows.front()), {}, {}, true};
    const std::size_t axis = signature.batched ? 1 : 0;
    if (signature.batched)
      input.shape.insert(input.shape.begin(), static_cast<std::int64_t>(rows.size()));
    if (auto wrong = FillAsDatatype(rows, axis, &input))
      return Invalid("input '" + spec.name + "': " + *wrong);
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Json RowOf(const std::vector<Tensor>& outputs, bool batched, std::size_t row) {
  Json answer = Json::object();
  for (const Tensor& output : outputs) {
    std::size_t at = 0;
    if (!batched) {
      answer[output.name] = Nest(ToJson(output, 0, output.size()), output.shape, 0, &at);
      continue;
    }
    const std::size_t width = output.size() / static_cast<std::size_t>(output.shape.front());
    answer[output.name] =
        Nest(ToJson(output, row * width, (row + 1) * width), output.shape, 1, &at);
  }
  return answer;
}

}  // namespace penstock::model
