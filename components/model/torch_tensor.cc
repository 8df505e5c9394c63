#include "components/model/torch_tensor.h"

#include <ATen/ATen.h>

#include <new>
#include <stdexcept>
#include <utility>

namespace penstock::model {
namespace {

template <typename T>
std::vector<T> Values(const at::Tensor& tensor) {
  const T* begin = tensor.const_data_ptr<T>();
  return {begin, begin + tensor.numel()};
}

}  // namespace

at::Tensor ToTorch(const Tensor& tensor) {
  return std::visit(
      [&](const auto& values) -> at::Tensor {
        using T = typename std::decay_t<decltype(values)>::value_type;
        if constexpr (std::is_same_v<T, std::string>) {
          throw std::invalid_argument("a network takes no text");
        } else if constexpr (std::is_same_v<T, std::uint8_t>) {
          const auto type = tensor.datatype == Datatype::kBool ? at::kBool : at::kByte;
          return at::from_blob(const_cast<T*>(values.data()), tensor.shape, type);
        } else {
          at::Tensor view = at::from_blob(const_cast<T*>(values.data()), tensor.shape,
                                          c10::CppTypeToScalarType<T>::value);
          return tensor.datatype == Datatype::kInt32 ? view.to(at::kInt) : view;
        }
      },
      tensor.data);
}

Tensor FromTorch(const at::Tensor& given) {
  const bool plain = given.is_cpu() && given.is_contiguous();
  at::Tensor tensor = plain ? given : given.detach().to(at::kCPU).contiguous();
  Tensor result;
  result.shape.assign(tensor.sizes().begin(), tensor.sizes().end());
  switch (tensor.scalar_type()) {
    case at::kDouble:
      result.datatype = Datatype::kFp64;
      result.data = Values<double>(tensor);
      break;
    case at::kBool: {
      const bool* begin = tensor.const_data_ptr<bool>();
      result.datatype = Datatype::kBool;
      result.data = std::vector<std::uint8_t>(begin, begin + tensor.numel());
      break;
    }
    case at::kLong:
    case at::kInt:
    case at::kShort:
    case at::kChar:
    case at::kByte:
      result.datatype = Datatype::kInt64;
      result.data = Values<std::int64_t>(tensor.to(at::kLong));
      break;
    default:
      result.datatype = Datatype::kFp32;
      result.data =
          Values<float>(tensor.scalar_type() == at::kFloat ? tensor : tensor.to(at::kFloat));
  }
  return result;
}

std::string TorchReason(const char* what) {
  const std::string text = what;
  if (!text.starts_with("The following operation failed")) return text.substr(0, text.find('\n'));
  const std::size_t end = text.find_last_not_of("\n ");
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

Error RunFailure(const std::exception& e) {
  if (dynamic_cast<const std::bad_alloc*>(&e) != nullptr) {
    return Transient("the server is out of memory for this request");
  }
  // It has answered its own examples, so what it throws at is this input.
  return Invalid("the model refuses this input: " + TorchReason(e.what()));
}

}  // namespace penstock::model
