#include "components/model/onnx_value.h"

#include <utility>

#include "operator/base/try.h"

namespace penstock::model::ort {
namespace {

OwnedValue Own(const Runtime& runtime, Value* value) { return {value, runtime.api.release_value}; }

Result<OwnedValue> Borrow(const Runtime& runtime, const void* values, std::size_t bytes,
                          const Shape& shape, Element element) {
  Value* value = nullptr;
  PENSTOCK_TRY(runtime.api.Check(
      runtime.api.borrow_tensor(runtime.memory, const_cast<void*>(values), bytes, shape.data(),
                                shape.size(), element, &value)));  // inputs are only read
  return Own(runtime, value);
}

Result<OwnedValue> Create(const Runtime& runtime, const Shape& shape, Element element) {
  Value* value = nullptr;
  PENSTOCK_TRY(runtime.api.Check(
      runtime.api.create_tensor(runtime.allocator, shape.data(), shape.size(), element, &value)));
  return Own(runtime, value);
}

Result<OwnedValue> Texts(const Runtime& runtime, const std::vector<std::string>& texts,
                         const Shape& shape) {
  std::vector<const char*> starts;
  for (const std::string& text : texts) {
    if (text.find('\0') != std::string::npos) {
      return Invalid("element " + std::to_string(starts.size()) +
                     " is a text with a NUL in it, which an ONNX model takes none of");
    }
    starts.push_back(text.c_str());
  }
  PENSTOCK_ASSIGN(auto value, Create(runtime, shape, Element::kString));
  PENSTOCK_TRY(
      runtime.api.Check(runtime.api.fill_strings(value.get(), starts.data(), starts.size())));
  return value;
}

Result<OwnedValue> Int32s(const Runtime& runtime, const std::vector<std::int64_t>& integers,
                          const Shape& shape) {
  PENSTOCK_ASSIGN(auto value, Create(runtime, shape, Element::kInt32));
  void* data = nullptr;
  PENSTOCK_TRY(runtime.api.Check(runtime.api.data(value.get(), &data)));
  auto* out = static_cast<std::int32_t*>(data);
  for (const std::int64_t integer : integers) *out++ = static_cast<std::int32_t>(integer);
  return value;
}

Result<std::vector<std::string>> ReadTexts(const Runtime& runtime, const Value* value,
                                           std::size_t count) {
  std::size_t size = 0;
  PENSTOCK_TRY(runtime.api.Check(runtime.api.strings_size(value, &size)));
  std::string all(size, '\0');
  std::vector<std::size_t> offsets(count);
  PENSTOCK_TRY(
      runtime.api.Check(runtime.api.strings(value, all.data(), size, offsets.data(), count)));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(all.substr(offsets[i], (i + 1 < count ? offsets[i + 1] : size) - offsets[i]));
  }
  return texts;
}

template <typename To, typename From = To>
TensorData Copy(const void* data, std::size_t count) {
  const auto* values = static_cast<const From*>(data);
  return std::vector<To>(values, values + count);
}

Result<Tensor> ReadTensor(const Runtime& runtime, Value* value) {
  const Api& api = runtime.api;
  TensorInfo* given = nullptr;
  PENSTOCK_TRY(api.Check(api.tensor_of_value(value, &given)));
  const Owned<TensorInfo> info(given, api.release_tensor);
  std::size_t rank = 0;
  Element element{};
  PENSTOCK_TRY(api.Check(api.rank(given, &rank)));
  PENSTOCK_TRY(api.Check(api.element_type(given, &element)));
  Tensor tensor;
  tensor.shape.resize(rank);
  PENSTOCK_TRY(api.Check(api.dimensions(given, tensor.shape.data(), rank)));
  const auto elements = ElementCount(tensor.shape);
  if (!elements) return Internal("the model answered an impossible shape");
  const auto count = static_cast<std::size_t>(*elements);
  if (element == Element::kString) {
    tensor.datatype = Datatype::kBytes;
    PENSTOCK_ASSIGN(tensor.data, ReadTexts(runtime, value, count));
    return tensor;
  }
  void* data = nullptr;
  PENSTOCK_TRY(api.Check(api.data(value, &data)));
  switch (element) {
    case Element::kFloat:
      tensor.data = Copy<float>(data, count);
      break;
    case Element::kDouble:
      tensor.datatype = Datatype::kFp64;
      tensor.data = Copy<double>(data, count);
      break;
    case Element::kInt64:
      tensor.datatype = Datatype::kInt64;
      tensor.data = Copy<std::int64_t>(data, count);
      break;
    case Element::kInt32:
      tensor.datatype = Datatype::kInt32;
      tensor.data = Copy<std::int64_t, std::int32_t>(data, count);
      break;
    case Element::kBool:
      tensor.datatype = Datatype::kBool;
      tensor.data = Copy<std::uint8_t>(data, count);
      break;
    default:
      return Invalid("the model answers " + Name(element) +
                     ", and this server gives float32, float64, int64, int32, bool and string");
  }
  return tensor;
}

// Item `index` of a sequence or a map.
Result<OwnedValue> Item(const Runtime& runtime, const Value* of, std::size_t index) {
  Value* item = nullptr;
  PENSTOCK_TRY(runtime.api.Check(
      runtime.api.element(of, static_cast<int>(index), runtime.allocator, &item)));
  return Own(runtime, item);
}

// The runtime keeps a map sorted by its keys, and gives it as two tensors: keys and values.
Result<Tensor> ReadMaps(const Runtime& runtime, const Value* sequence) {
  std::size_t rows = 0;
  PENSTOCK_TRY(runtime.api.Check(runtime.api.element_count(sequence, &rows)));
  std::vector<float> values;
  TensorData classes;
  std::size_t width = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    PENSTOCK_ASSIGN(const auto map, Item(runtime, sequence, row));
    PENSTOCK_ASSIGN(const auto keys, Item(runtime, map.get(), 0));
    PENSTOCK_ASSIGN(const auto numbers, Item(runtime, map.get(), 1));
    PENSTOCK_ASSIGN(Tensor key, ReadTensor(runtime, keys.get()));
    PENSTOCK_ASSIGN(const Tensor number, ReadTensor(runtime, numbers.get()));
    const auto* floats = std::get_if<std::vector<float>>(&number.data);
    if (floats == nullptr) return Invalid("the model answers a map of other values than float32");
    if (row == 0) {
      width = floats->size();
      classes = std::move(key.data);
    } else if (key.data != classes) {
      return Invalid("the model answers other classes for row " + std::to_string(row + 1) +
                     " than for row 1");
    }
    values.insert(values.end(), floats->begin(), floats->end());
  }
  Tensor tensor;
  tensor.shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)};
  tensor.data = std::move(values);
  return tensor;
}

}  // namespace

std::optional<Element> ElementOf(Datatype datatype) {
  switch (datatype) {
    case Datatype::kFp32:
      return Element::kFloat;
    case Datatype::kFp64:
      return Element::kDouble;
    case Datatype::kInt64:
      return Element::kInt64;
    case Datatype::kInt32:
      return Element::kInt32;
    case Datatype::kBool:
      return Element::kBool;
    case Datatype::kBytes:
      return Element::kString;
    default:
      return std::nullopt;
  }
}

Result<OwnedValue> ToValue(const Runtime& runtime, const Tensor& tensor, const Shape& shape) {
  const auto element = ElementOf(tensor.datatype);
  if (!element)
    return Invalid(std::string("an ONNX model takes no ") + model::Name(tensor.datatype));
  return std::visit(
      [&](const auto& values) -> Result<OwnedValue> {
        using T = typename std::decay_t<decltype(values)>::value_type;
        if constexpr (std::is_same_v<T, std::string>) {
          return Texts(runtime, values, shape);
        } else {
          if constexpr (std::is_same_v<T, std::int64_t>) {
            if (*element == Element::kInt32) return Int32s(runtime, values, shape);
          }
          return Borrow(runtime, values.data(), values.size() * sizeof(T), shape, *element);
        }
      },
      tensor.data);
}

Result<Tensor> FromValue(const Runtime& runtime, Value* value) {
  ValueKind kind{};
  PENSTOCK_TRY(runtime.api.Check(runtime.api.kind_of_value(value, &kind)));
  return kind == ValueKind::kSequence ? ReadMaps(runtime, value) : ReadTensor(runtime, value);
}

}  // namespace penstock::model::ort
