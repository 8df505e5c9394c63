#include "components/model/tensor.h"

#include <array>
#include <limits>
#include <utility>

namespace penstock::model {
namespace {

constexpr std::array<const char*, 14> kNames = {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64",
                                                "INT8", "INT16", "INT32",  "INT64",  "FP16",
                                                "BF16", "FP32",  "FP64",   "BYTES"};

template <typename T>
IntegerRange Limits() {
  return {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
}

}  // namespace

const char* Name(Datatype datatype) { return kNames.at(static_cast<std::size_t>(datatype)); }

std::optional<Datatype> ParseDatatype(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Datatype>(i);
  }
  return std::nullopt;
}

bool IsInteger(Datatype d) { return d >= Datatype::kUint8 && d <= Datatype::kInt64; }
bool IsFloat(Datatype d) { return d >= Datatype::kFp16 && d <= Datatype::kFp64; }

IntegerRange RangeOf(Datatype integer) {
  switch (integer) {
    case Datatype::kUint8:
      return Limits<std::uint8_t>();
    case Datatype::kUint16:
      return Limits<std::uint16_t>();
    case Datatype::kUint32:
      return Limits<std::uint32_t>();
    case Datatype::kUint64:
      return {0, std::numeric_limits<std::int64_t>::max()};
    case Datatype::kInt8:
      return Limits<std::int8_t>();
    case Datatype::kInt16:
      return Limits<std::int16_t>();
    case Datatype::kInt32:
      return Limits<std::int32_t>();
    default:
      return Limits<std::int64_t>();
  }
}

bool IsExactDouble(std::int64_t value) {
  if (value >= -kExactDouble && value <= kExactDouble) return true;
  const auto number = static_cast<double>(value);
  return number < 0x1p63 && static_cast<std::int64_t>(number) == value;
}

std::string FormatShape(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::optional<std::int64_t> ElementCount(const Shape& shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  std::int64_t count = 1;
  bool zero = false;
  for (std::int64_t dim : shape) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) {
      zero = true;
    } else if (__builtin_mul_overflow(count, dim, &count) || count > kMost) {
      return std::nullopt;
    }
  }
  return zero ? 0 : count;
}

std::size_t Tensor::size() const {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

Tensor ConcatenateRows(const std::vector<const Tensor*>& parts) {
  Tensor all = *parts.front();
  std::size_t total = 0;
  for (const Tensor* part : parts) total += part->size();
  std::visit(
      [&](auto& values) {
        values.reserve(total);
        for (std::size_t i = 1; i < parts.size(); ++i) {
          const auto& more = std::get<std::decay_t<decltype(values)>>(parts[i]->data);
          values.insert(values.end(), more.begin(), more.end());
          all.shape[0] += parts[i]->shape[0];
        }
      },
      all.data);
  return all;
}

Tensor SliceRows(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  Tensor slice{tensor.name, tensor.datatype, tensor.shape, {}};
  const std::int64_t rows = tensor.shape.at(0);
  const std::int64_t width = rows == 0 ? 0 : static_cast<std::int64_t>(tensor.size()) / rows;
  slice.shape[0] = count;
  std::visit(
      [&](const auto& values) {
        slice.data = std::decay_t<decltype(values)>(values.begin() + first * width,
                                                    values.begin() + (first + count) * width);
      },
      tensor.data);
  return slice;
}

}  // namespace penstock::model
