// The signature: what a model takes and gives, and whether a request fits it. Pure; value types.
//
// An input is a column (one value a row: shape [N] or [N, 1], any datatype that can become the
// column's type, nulls where allowed) or a tensor (a datatype and a shape with -1 for what varies).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/model/tensor.h"
#include "operator/base/result.h"

namespace penstock::model {

struct InputSpec {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;             // with -1 for the batch; a column's is [-1]
  bool is_column = false;  // see above
  bool nullable = false;   // a float tensor that takes nulls gets NaN for them
  std::optional<double> minimum = std::nullopt;  // of every value that is no null
  std::optional<double> maximum = std::nullopt;
  bool infinite = false;  // a float tensor that takes infinities, as they are
  bool is_time = false;   // a column of times: RFC 3339 text, or integers: microseconds since 1970
  std::vector<std::string> null_texts = {};  // of a column of text: what is a null there
};

// Of the integers that a time may be.
inline constexpr const char* kTimeUnit = "microseconds since 1970-01-01T00:00:00Z";

struct OutputSpec {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;
};

struct Signature {
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  bool batched = true;  // axis 0 of every input and output is the batch
};

// Puts the inputs into the signature's order, marks as null what is missing by its value
// (input_values.h), and says how many rows they have (1 when the model is not batched). Invalid,
// naming the input, for a missing or unknown or repeated one, a datatype or shape that does not
// fit, no rows, unequal rows, or a value that the input does not take, with its element.
[[nodiscard]] Result<std::int64_t> FitInputs(const Signature& signature,
                                             std::vector<InputTensor>* inputs);

// The asked outputs as indices into signature.outputs; all of them when `names` is empty.
[[nodiscard]] Result<std::vector<std::size_t>> SelectOutputs(const Signature& signature,
                                                             const std::vector<std::string>& names);

}  // namespace penstock::model
