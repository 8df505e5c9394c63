// Model: what is asked of a model, whatever runs it. Rows go
//
//   FitInputs -> Prepare -> [rows of others beside them] -> Run -> [cut] -> Present
//
// so what is wrong with the rows is found before Run, which takes numbers only. An object is
// immutable once loaded; every method may be called from many threads at once.
#pragma once

#include <string>
#include <vector>

#include "components/model/signature.h"
#include "components/model/tensor.h"
#include "operator/base/result.h"

namespace penstock::model {

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual const Signature& signature() const = 0;
  // "pytorch_torchscript", as the V2 metadata names it.
  [[nodiscard]] virtual std::string platform() const = 0;

  // Fitted inputs, in the signature's order -> what Run takes, axis 0 the batch. Invalid names the
  // input and the element: a value that cannot become the column's type.
  [[nodiscard]] virtual Result<std::vector<Tensor>> Prepare(
      std::vector<InputTensor> inputs) const = 0;

  // The computation. Invalid when the network throws at these inputs (it has answered its
  // examples); Internal when it answers what its signature does not say.
  [[nodiscard]] virtual Result<std::vector<Tensor>> Run(
      const std::vector<Tensor>& prepared) const = 0;

  // Raw answers -> the signature's outputs, in its order.
  [[nodiscard]] virtual Result<std::vector<Tensor>> Present(std::vector<Tensor> raw) const = 0;
};

}  // namespace penstock::model
