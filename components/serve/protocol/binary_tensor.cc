#include "components/serve/protocol/binary_tensor.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace penstock::serve {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are copied as they lie");

using Wrong = std::optional<std::string>;

// Elements that are stored as `Wire` and kept as `Kept`.
template <typename Wire, typename Kept, typename F>
std::vector<Kept> Widen(std::string_view bytes, F convert) {
  std::vector<Kept> values(bytes.size() / sizeof(Wire));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Wire wire;
    std::memcpy(&wire, bytes.data() + i * sizeof(Wire), sizeof(Wire));
    values[i] = convert(wire);
  }
  return values;
}

template <typename Wire>
std::vector<std::int64_t> Integers(std::string_view bytes) {
  return Widen<Wire, std::int64_t>(bytes, [](Wire v) { return static_cast<std::int64_t>(v); });
}

template <typename T>
std::vector<T> AsTheyLie(std::string_view bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Wrong ReadTexts(std::string_view bytes, std::int64_t count, InputTensor* input) {
  std::vector<std::string_view> texts;
  while (!bytes.empty()) {
    std::uint32_t length = 0;
    const std::string which = "element " + std::to_string(texts.size());
    if (bytes.size() < sizeof(length)) return which + ": its 32-bit length is cut off";
    std::memcpy(&length, bytes.data(), sizeof(length));
    bytes.remove_prefix(sizeof(length));
    if (length > bytes.size()) {
      return which + " has " + std::to_string(length) + " bytes, only " +
             std::to_string(bytes.size()) + " follow";
    }
    if (static_cast<std::int64_t>(texts.size()) == count)
      return "binary data has more elements than shape " + FormatShape(input->shape);
    texts.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  if (static_cast<std::int64_t>(texts.size()) != count) {
    return "binary data has " + std::to_string(texts.size()) + " elements, shape " +
           FormatShape(input->shape) + " has " + std::to_string(count);
  }
  input->data = std::move(texts);
  return std::nullopt;
}

Wrong ReadTruths(std::string_view bytes, InputTensor* input) {
  auto truths = AsTheyLie<std::uint8_t>(bytes);
  for (std::size_t i = 0; i < truths.size(); ++i) {
    if (truths[i] > 1)
      return "element " + std::to_string(i) + " is neither 0 nor 1, as BOOL must be";
  }
  input->data = std::move(truths);
  return std::nullopt;
}

Wrong ReadUint64(std::string_view bytes, InputTensor* input) {
  auto values = AsTheyLie<std::int64_t>(bytes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0) return "element " + std::to_string(i) + " " + kAboveInt64;
  }
  input->data = std::move(values);
  return std::nullopt;
}

// The sizes are known to fit.
Wrong ReadFixed(std::string_view bytes, InputTensor* input) {
  switch (input->datatype) {
    case Datatype::kBool:
      return ReadTruths(bytes, input);
    case Datatype::kUint64:
      return ReadUint64(bytes, input);
    case Datatype::kUint8:
      input->data = Integers<std::uint8_t>(bytes);
      break;
    case Datatype::kUint16:
      input->data = Integers<std::uint16_t>(bytes);
      break;
    case Datatype::kUint32:
      input->data = Integers<std::uint32_t>(bytes);
      break;
    case Datatype::kInt8:
      input->data = Integers<std::int8_t>(bytes);
      break;
    case Datatype::kInt16:
      input->data = Integers<std::int16_t>(bytes);
      break;
    case Datatype::kInt32:
      input->data = Integers<std::int32_t>(bytes);
      break;
    case Datatype::kInt64:
      input->data = AsTheyLie<std::int64_t>(bytes);
      break;
    case Datatype::kFp16:
      input->data = Widen<std::uint16_t, float>(bytes, FromHalf);
      break;
    case Datatype::kBf16:
      input->data = Widen<std::uint16_t, float>(bytes, FromBfloat16);
      break;
    case Datatype::kFp32:
      input->data = AsTheyLie<float>(bytes);
      break;
    case Datatype::kFp64:
      input->data = AsTheyLie<double>(bytes);
      break;
    case Datatype::kBytes:
      break;
  }
  return std::nullopt;
}

void Append(const void* data, std::size_t size, std::string* out) {
  out->append(static_cast<const char*>(data), size);
}

template <typename Wire, typename T, typename F>
void AppendNarrow(const std::vector<T>& values, std::string* out, F convert) {
  for (const T& value : values) {
    const Wire wire = convert(value);
    Append(&wire, sizeof(wire), out);
  }
}

// The low bytes of each integer: the machine is little-endian.
void AppendIntegers(const std::vector<std::int64_t>& values, std::size_t width, std::string* out) {
  if (width == sizeof(std::int64_t)) return Append(values.data(), values.size() * width, out);
  for (const std::int64_t& value : values) Append(&value, width, out);
}

}  // namespace

std::optional<std::size_t> WidthOf(Datatype datatype) {
  switch (datatype) {
    case Datatype::kBool:
    case Datatype::kUint8:
    case Datatype::kInt8:
      return 1;
    case Datatype::kUint16:
    case Datatype::kInt16:
    case Datatype::kFp16:
    case Datatype::kBf16:
      return 2;
    case Datatype::kUint32:
    case Datatype::kInt32:
    case Datatype::kFp32:
      return 4;
    case Datatype::kUint64:
    case Datatype::kInt64:
    case Datatype::kFp64:
      return 8;
    case Datatype::kBytes:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> ReadBinary(std::string_view bytes, InputTensor* input) {
  const auto count = ElementCount(input->shape);
  if (!count) return "shape " + FormatShape(input->shape) + " has too many elements";
  const auto width = WidthOf(input->datatype);
  if (!width) return ReadTexts(bytes, *count, input);
  // Divided, not multiplied: a client chooses the shape.
  const bool whole = bytes.size() % *width == 0;
  if (!whole || static_cast<std::int64_t>(bytes.size() / *width) != *count) {
    return "binary data has " + std::to_string(bytes.size()) + " bytes, shape " +
           FormatShape(input->shape) + " of " + Name(input->datatype) + " has " +
           std::to_string(*count) + " elements of " + std::to_string(*width);
  }
  return ReadFixed(bytes, input);
}

void AppendBinary(const Tensor& tensor, std::string* out) {
  if (const auto* floats = std::get_if<std::vector<float>>(&tensor.data)) {
    if (tensor.datatype == Datatype::kFp16)
      return AppendNarrow<std::uint16_t>(*floats, out, ToHalf);
    if (tensor.datatype == Datatype::kBf16)
      return AppendNarrow<std::uint16_t>(*floats, out, ToBfloat16);
    return Append(floats->data(), floats->size() * sizeof(float), out);
  }
  if (const auto* doubles = std::get_if<std::vector<double>>(&tensor.data))
    return Append(doubles->data(), doubles->size() * sizeof(double), out);
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&tensor.data))
    return AppendIntegers(*integers, WidthOf(tensor.datatype).value_or(8), out);
  if (const auto* truths = std::get_if<std::vector<std::uint8_t>>(&tensor.data))
    return Append(truths->data(), truths->size(), out);
  for (const std::string& text : std::get<std::vector<std::string>>(tensor.data)) {
    const auto length = static_cast<std::uint32_t>(text.size());
    Append(&length, sizeof(length), out);
    out->append(text);
  }
}

float FromBfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t ToBfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);  // stays a NaN
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float FromHalf(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) {
    return sign * (fraction != 0 ? std::numeric_limits<float>::quiet_NaN()
                                 : std::numeric_limits<float>::infinity());
  }
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

std::uint16_t ToHalf(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return sign | 0x7e00;
  const float size = std::abs(value);
  if (size >= 65520.0F) return sign | 0x7c00;  // rounds beyond the greatest half, 65504
  // In units of the last place that a half has at this size; nearbyint rounds ties to even.
  const int exponent = size < std::ldexp(1.0F, -14) ? -14 : std::ilogb(size);
  const auto units = static_cast<int>(std::nearbyint(std::ldexp(size, 10 - exponent)));
  // A carry out of the fraction raises the exponent by itself.
  const int biased = (exponent + 14) * 1024 + units;
  return sign | static_cast<std::uint16_t>(biased);
}

}  // namespace penstock::serve
