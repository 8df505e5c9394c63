// libpenstock_torch.so (torch_module.h): TorchScript and large networks of layers, run by LibTorch.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "components/model/layer_network.h"
#include "components/model/torch/program.h"
#include "components/model/torch_module.h"
#include "components/model/torch_tensor.h"

namespace penstock::model {
namespace {

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

class TorchScriptBackend : public Backend {
 public:
  explicit TorchScriptBackend(torch::jit::Module module)
      : module_(std::move(module)),
        forward_(module_.get_method("forward")),
        program_(TorchProgram::Make(module_)) {}

  std::string platform() const override { return "pytorch_torchscript"; }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    try {
      const c10::InferenceMode guard;
      std::vector<c10::IValue> arguments;
      for (const Tensor& input : inputs) arguments.emplace_back(ToTorch(input));
      return FromValue(program_ ? program_->Run(arguments) : forward_(std::move(arguments)));
    } catch (const std::exception& e) {
      return RunFailure(e);
    }
  }

 private:
  torch::jit::Module module_;
  torch::jit::Method forward_;
  const std::optional<TorchProgram> program_;
};

class LayerBackend : public Backend {
 public:
  explicit LayerBackend(LayerNetwork network) : network_(std::move(network)) {}

  std::string platform() const override { return "penstock_safetensors"; }
  std::int64_t width() const override { return network_.shape().inputs; }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    if (inputs.size() != 1) return Invalid("a network of layers takes one input");
    try {
      const c10::InferenceMode guard;
      return std::vector<Tensor>{FromTorch(network_.Run(ToTorch(inputs.front())))};
    } catch (const std::exception& e) {
      return RunFailure(e);
    }
  }

 private:
  const LayerNetwork network_;
};

}  // namespace

namespace libtorch {

Result<std::unique_ptr<Backend>> LoadTorchScript(const std::string& path) {
  try {
    torch::jit::Module module = torch::jit::load(path, at::kCPU);
    module.eval();
    // The profiling executor would specialise to the first shapes it sees and compile again for
    // others: seconds of delay in the middle of traffic. Frozen and unspecialised is steady.
    torch::jit::getProfilingMode() = false;
    torch::jit::Module frozen = torch::jit::freeze(module);
    TransposeWeights(&frozen);
    return std::unique_ptr<Backend>(std::make_unique<TorchScriptBackend>(std::move(frozen)));
  } catch (const std::exception& e) {
    return Invalid(path + " is no TorchScript that loads: " + TorchReason(e.what()));
  }
}

Result<std::unique_ptr<Backend>> LoadLayerNetwork(const std::string& folder,
                                                  const std::string& weights) {
  auto network = LayerNetwork::Load(folder, weights);
  if (!network) return network.error();
  return std::unique_ptr<Backend>(std::make_unique<LayerBackend>(std::move(*network)));
}

void SetThreads(int threads) { at::set_num_threads(threads); }

std::string Describe() {
  // What it was built with: "mkl", "open", "generic" (the reference BLAS: 20 times slower).
  const std::string config = at::show_config();
  const std::string key = "BLAS_INFO=";
  const std::size_t at = config.find(key);
  std::string blas = at == std::string::npos ? "unknown" : config.substr(at + key.size());
  blas.resize(std::min(blas.find_first_of(", \n"), blas.size()));
  return std::string("LibTorch ") + TORCH_VERSION + ", BLAS " + blas;
}

}  // namespace libtorch
}  // namespace penstock::model

extern "C" __attribute__((visibility("default"))) const penstock::model::TorchModule*
PenstockTorchModule() {
  namespace torch_side = penstock::model::libtorch;
  static constexpr penstock::model::TorchModule kModule = {
      torch_side::LoadTorchScript, torch_side::LoadAotInductor, torch_side::LoadLayerNetwork,
      torch_side::SetThreads, torch_side::Describe};
  return &kModule;
}
