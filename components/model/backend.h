// Backend: a loaded network, tensors in, tensors out. One file a kind:
//
//   torchscript   torch_backend.cc    a TorchScript file                  LibTorch
//   aotinductor   aoti_backend.cc     .pt2 packages of machine code       LibTorch
//   safetensors   layer_backend.cc    network.json + weights.safetensors  LibTorch when large
//   xgboost       xgboost_backend.cc  model.ubj or model.json             libxgboost, where it is
//   onnx          onnx_backend.cc     model.onnx                          libonnxruntime, where it
//   is
//
// backend_loader.cc chooses. LibTorch is opened with the first model that needs it: torch_module.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/model/signature.h"
#include "components/model/tensor.h"
#include "operator/base/result.h"

namespace penstock::model {

class Backend {
 public:
  virtual ~Backend() = default;
  // "pytorch_torchscript", as the V2 metadata names it.
  [[nodiscard]] virtual std::string platform() const = 0;
  // Values a row that the network takes as its one input; 0 when it does not say.
  [[nodiscard]] virtual std::int64_t width() const { return 0; }
  // Called once before Run: what Run will be given and must answer, in its order. A name is empty
  // where nobody gave one (behind a transform). Invalid names the field of model.yaml that the file
  // does not have so; a back end whose files say nothing of it takes anything.
  [[nodiscard]] virtual Result<void> Bind(const Signature& /*signature*/) { return {}; }
  // Positional inputs; the outputs' names are left empty. Thread-safe. Invalid says what the
  // network threw at these inputs.
  [[nodiscard]] virtual Result<std::vector<Tensor>> Run(
      const std::vector<Tensor>& inputs) const = 0;
};

// What model.yaml says of the back end: its name, and its files within the model's folder.
struct BackendFiles {
  std::string backend = "torchscript";
  std::vector<std::string> files;
};

// Invalid names the file and what to do: an unknown back end, a Python pickle, a package for
// another CPU, a library that is not there. `runners`: as LoadModel has it.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadBackend(const std::string& folder,
                                                           const BackendFiles& files, int runners);

// TorchScript in a file, put into evaluation mode and frozen.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadTorchScript(const std::string& path);

// The first of the packages whose instruction set this CPU has. At most `runners` calls run at
// once, further ones wait.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadAotInductor(
    const std::vector<std::string>& packages, int runners);

// Networks of layers of at most so many multiply-adds a row need no LibTorch: plain_network.h. One
// row is as quick there; a full batch of large ones takes several times as long.
inline constexpr std::int64_t kSmallNetwork = std::int64_t{1} << 15;

// network.json in the folder, and the weights' file beside it.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadLayerNetwork(const std::string& folder,
                                                                const std::string& weights);

// The same, by LibTorch whatever the size.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadLargeNetwork(const std::string& folder,
                                                                const std::string& weights);

// One input [N, features] of FP32, one output. Invalid when libxgboost.so is not found.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadXgboost(const std::string& path);

// Inputs and outputs by the names in the file: Bind it first. Invalid when libonnxruntime.so.1 is
// not found, and what onnx/check.h refuses.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadOnnx(const std::string& path);

// Limits LibTorch's own threads of the calling thread; every thread that runs a model calls it.
void SetIntraOpThreads(int threads);

// "LibTorch 2.15.0, BLAS mkl", or that no model has needed it yet.
[[nodiscard]] std::string DescribeBackend();

}  // namespace penstock::model
