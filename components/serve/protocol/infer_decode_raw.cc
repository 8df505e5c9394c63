#include "components/serve/protocol/binary_tensor.h"
#include "components/serve/protocol/infer_decode.h"

namespace penstock::serve {
namespace {

// The shape of one row of `spec` in `size` bytes. The dimension that is left open takes what the
// size says; ReadBinary judges whether it fits.
Result<Shape> ShapeOf(const InputSpec& spec, bool batched, std::size_t size) {
  Shape shape = spec.shape;
  if (batched && !shape.empty()) shape.front() = 1;
  const auto width = WidthOf(spec.datatype);
  std::int64_t fixed = 1;
  std::int64_t* open = nullptr;
  for (std::int64_t& dim : shape) {
    if (dim >= 0) {
      fixed *= dim;
    } else if (open != nullptr) {
      return Invalid("input '" + spec.name + "' has shape " + FormatShape(spec.shape) +
                     "; a raw body can stand for one open dimension, send JSON with the shape");
    } else {
      open = &dim;
    }
  }
  if (open != nullptr) {
    const std::int64_t elements = width ? static_cast<std::int64_t>(size / *width) : 1;
    *open = fixed > 0 ? elements / fixed : 0;
  }
  return shape;
}

}  // namespace

Result<InferRequest> DecodeRaw(const Signature& signature, std::string_view body) {
  if (signature.inputs.size() != 1) {
    return Invalid("a raw body is one tensor, and the model has " +
                   std::to_string(signature.inputs.size()) + " inputs");
  }
  const InputSpec& spec = signature.inputs.front();
  auto shape = ShapeOf(spec, signature.batched, body.size());
  if (!shape) return shape.error();
  InferRequest request;
  request.binary_outputs = true;
  InputTensor input{spec.name, spec.datatype, std::move(*shape), {}, {}};
  if (spec.datatype == Datatype::kBytes) {
    if (ElementCount(input.shape) != 1)
      return Invalid("input '" + spec.name + "': a raw body can only be one text");
    input.data = std::vector<std::string_view>{body};
  } else if (auto wrong = ReadBinary(body, &input)) {
    return Invalid("input '" + spec.name + "': " + *wrong);
  }
  request.inputs.push_back(std::move(input));
  return request;
}

}  // namespace penstock::serve
