// Our tensors <-> onnxruntime's values.
#pragma once

#include <optional>

#include "components/model/onnx/api.h"
#include "components/model/tensor.h"

namespace penstock::model::ort {

// What a datatype of ours is to ONNX; nothing for those that no model.yaml names.
[[nodiscard]] std::optional<Element> ElementOf(Datatype datatype);

using OwnedValue = Owned<Value>;

// Of the shape [N, ...] given, which may be another one than the tensor's own. Borrows the tensor's
// numbers where their type allows it: the tensor must outlive the value. Invalid for a text that
// holds a NUL, at which the runtime would end it.
[[nodiscard]] Result<OwnedValue> ToValue(const Runtime& runtime, const Tensor& tensor,
                                         const Shape& shape);

// A copy. int32 becomes INT64's vector. A sequence of maps (a ZipMap's answer: class -> number, a
// map a row) becomes FP32 [N, K], the classes in ascending order, texts by their bytes: the order
// of scikit-learn's classes_.
[[nodiscard]] Result<Tensor> FromValue(const Runtime& runtime, Value* value);

}  // namespace penstock::model::ort
