// The LibTorch back end. The only file of the server that includes LibTorch (20 s to compile).
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "components/serve/backend.h"

namespace penstock::serve {
namespace {

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
          // The network only reads its input, and the vector outlives the call.
          at::Tensor view = at::from_blob(const_cast<T*>(values.data()), tensor.shape,
                                          c10::CppTypeToScalarType<T>::value);
          return tensor.datatype == Datatype::kInt32 ? view.to(at::kInt) : view;
        }
      },
      tensor.data);
}

template <typename T>
std::vector<T> Values(const at::Tensor& tensor) {
  const T* begin = tensor.const_data_ptr<T>();
  return {begin, begin + tensor.numel()};
}

Tensor FromTorch(const at::Tensor& given) {
  at::Tensor tensor = given.detach().to(at::kCPU).contiguous();
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
      result.data = Values<float>(tensor.to(at::kFloat));
  }
  return result;
}

std::vector<Tensor> FromValue(const c10::IValue& value) {
  if (value.isTensor()) return {FromTorch(value.toTensor())};
  if (value.isTuple()) {
    std::vector<Tensor> all;
    for (const c10::IValue& element : value.toTupleRef().elements()) {
      all.push_back(FromTorch(element.toTensor()));
    }
    return all;
  }
  throw std::invalid_argument("the network answered neither a tensor nor a tuple of tensors");
}

// What went wrong, without LibTorch's own stack: the first line; of an error within the network,
// where that is only an announcement, the last one ("RuntimeError: ...").
std::string Reason(const char* what) {
  const std::string text = what;
  if (!text.starts_with("The following operation failed")) return text.substr(0, text.find('\n'));
  const std::size_t end = text.find_last_not_of("\n ");
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin + 1, end - begin);
}

class TorchScriptBackend : public Backend {
 public:
  explicit TorchScriptBackend(torch::jit::Module module)
      : module_(std::move(module)), forward_(module_.get_method("forward")) {}

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    try {
      const c10::InferenceMode guard;
      std::vector<c10::IValue> arguments;
      for (const Tensor& input : inputs) arguments.emplace_back(ToTorch(input));
      return FromValue(forward_(std::move(arguments)));
    } catch (const std::bad_alloc&) {
      return Transient("the server is out of memory for this request");
    } catch (const std::exception& e) {
      // It has answered its own examples, so what it throws at is this input.
      return Invalid("the model refuses this input: " + Reason(e.what()));
    }
  }

 private:
  torch::jit::Module module_;
  torch::jit::Method forward_;
};

}  // namespace

Result<std::unique_ptr<Backend>> LoadTorchScript(const std::string& path) {
  try {
    torch::jit::Module module = torch::jit::load(path, at::kCPU);
    module.eval();
    // The profiling executor would specialise to the first shapes it sees and compile again for
    // others: seconds of delay in the middle of traffic. Frozen and unspecialised is steady.
    torch::jit::getProfilingMode() = false;
    return std::unique_ptr<Backend>(
        std::make_unique<TorchScriptBackend>(torch::jit::freeze(module)));
  } catch (const std::exception& e) {
    return Invalid(path + " is no TorchScript that loads: " + Reason(e.what()));
  }
}

void SetIntraOpThreads(int threads) { at::set_num_threads(threads); }

std::string DescribeBackend() {
  // What it was built with: "mkl", "open", "generic" (the reference BLAS: 20 times slower).
  const std::string config = at::show_config();
  const std::string key = "BLAS_INFO=";
  const std::size_t at = config.find(key);
  std::string blas = at == std::string::npos ? "unknown" : config.substr(at + key.size());
  blas.resize(std::min(blas.find_first_of(", \n"), blas.size()));
  return std::string("LibTorch ") + TORCH_VERSION + ", BLAS " + blas;
}

}  // namespace penstock::serve
