// Our tensors <-> LibTorch's. Includes LibTorch: only for the back ends that run on it.
#pragma once

#include <ATen/core/Tensor.h>

#include <exception>
#include <string>

#include "components/model/tensor.h"

namespace penstock::model {

// A view: the values must outlive it and are only read. Throws for text, which no network takes.
[[nodiscard]] at::Tensor ToTorch(const Tensor& tensor);

// A copy; half precision becomes FP32, every integer INT64.
[[nodiscard]] Tensor FromTorch(const at::Tensor& given);

// What went wrong, without LibTorch's own stack: the first line; of an error within TorchScript,
// where that is only an announcement, the last one ("RuntimeError: ...").
[[nodiscard]] std::string TorchReason(const char* what);

// What a network threw while it ran: Invalid, or Transient without memory.
[[nodiscard]] Error RunFailure(const std::exception& e);

}  // namespace penstock::model
