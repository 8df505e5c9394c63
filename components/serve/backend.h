// Backend: a loaded network, tensors in, tensors out. torch_backend.cc holds the one that exists,
// and is the only file that knows LibTorch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/serve/tensor.h"
#include "operator/base/result.h"

namespace penstock::serve {

class Backend {
 public:
  virtual ~Backend() = default;
  // Positional inputs; the outputs' names are left empty. Thread-safe. Invalid says what the
  // network threw at these inputs.
  [[nodiscard]] virtual Result<std::vector<Tensor>> Run(
      const std::vector<Tensor>& inputs) const = 0;
};

// TorchScript in a file, put into evaluation mode and frozen.
[[nodiscard]] Result<std::unique_ptr<Backend>> LoadTorchScript(const std::string& path);

// Limits LibTorch's own threads of the calling thread; every thread that runs a model calls it.
void SetIntraOpThreads(int threads);

// "LibTorch 2.15.0, BLAS mkl".
[[nodiscard]] std::string DescribeBackend();

}  // namespace penstock::serve
