// Tensors as bytes: little-endian, row-major, without padding; BOOL one byte, BYTES a 32-bit length
// before each element (binary tensor data extension; gRPC's raw contents are the same). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "components/serve/engine/model_names.h"

namespace penstock::serve {

// Bytes an element; nothing for BYTES.
[[nodiscard]] std::optional<std::size_t> WidthOf(Datatype datatype);

// Fills input->data from `bytes`, which must be all of it; datatype and shape are set. Texts are
// borrowed. The answer says what is wrong, without the input's name.
[[nodiscard]] std::optional<std::string> ReadBinary(std::string_view bytes, InputTensor* input);

void AppendBinary(const Tensor& tensor, std::string* out);

// IEEE half precision and bfloat16; to the nearest, ties to even.
[[nodiscard]] float FromHalf(std::uint16_t bits);
[[nodiscard]] std::uint16_t ToHalf(float value);
[[nodiscard]] float FromBfloat16(std::uint16_t bits);
[[nodiscard]] std::uint16_t ToBfloat16(float value);

}  // namespace penstock::serve
