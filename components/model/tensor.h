// Tensors: what a model is given, and what its back end takes and gives.
//
// InputTensor borrows its strings from whoever made it; Tensor owns everything. Value
// types, no LibTorch. Shapes are row-major and include the batch dimension.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "operator/base/result.h"

namespace penstock::model {

using Shape = std::vector<std::int64_t>;

// The datatypes of the Open Inference Protocol V2.
enum class Datatype : std::uint8_t {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,
};

[[nodiscard]] const char* Name(Datatype datatype);  // "FP32", "BYTES", ...
[[nodiscard]] std::optional<Datatype> ParseDatatype(std::string_view name);
[[nodiscard]] bool IsInteger(Datatype datatype);
[[nodiscard]] bool IsFloat(Datatype datatype);
// The least and greatest value of an integer datatype. UINT64 ends at 2^63 - 1 here: to its
// decoders what lies above is kAboveInt64, and never out of its range.
struct IntegerRange {
  std::int64_t min;
  std::int64_t max;
};
[[nodiscard]] IntegerRange RangeOf(Datatype integer);
inline constexpr const char* kAboveInt64 =
    "is above 2^63 - 1, the greatest whole number that a model takes here";
inline constexpr std::int64_t kExactDouble = std::int64_t{1} << 53;  // all whole numbers up to it
// Is it the same number as a double?
[[nodiscard]] bool IsExactDouble(std::int64_t value);

// "[2, 64]".
[[nodiscard]] std::string FormatShape(const Shape& shape);
// The number of elements; nothing when a dimension is negative or the product exceeds 2^62.
[[nodiscard]] std::optional<std::int64_t> ElementCount(const Shape& shape);

// FP32, FP16 and BF16 -> float, FP64 -> double, every integer -> int64, BOOL -> 0 or 1, BYTES ->
// text.
using InputData = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>,
                               std::vector<std::uint8_t>, std::vector<std::string_view>>;

struct InputTensor {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;
  InputData data;
  std::vector<std::uint8_t> nulls;  // empty, or 1 for each element that was null
  bool typed = false;  // of a file whose columns have types: its times are microseconds
};

using TensorData = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int64_t>,
                                std::vector<std::uint8_t>, std::vector<std::string>>;

struct Tensor {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;
  TensorData data;

  [[nodiscard]] std::size_t size() const;
};

// Tensors of equal datatype and equal trailing dimensions, one after the other along axis 0.
[[nodiscard]] Tensor ConcatenateRows(const std::vector<const Tensor*>& parts);
// Rows [first, first + count) of a tensor of rank 1 or more.
[[nodiscard]] Tensor SliceRows(const Tensor& tensor, std::int64_t first, std::int64_t count);

}  // namespace penstock::model
