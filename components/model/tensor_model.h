// A model without a transform: tensors in, tensors out, as its model.yaml declares them:
//
//   inputs:  [{name: x, type: float32, shape: [-1, 64]}]      in the order of forward()'s arguments
//   outputs: [{name: y, type: float32, shape: [-1, 10]}]      in the order of its answer
//
// Types: float32, float64, int64, int32, bool, and string with the back end onnx. batchAxis: 0 says
// that axis 0 of every one is the batch. An input may have minimum and maximum; one of floats
// nullable: true (null becomes NaN) and infinite: true (infinities are taken, as they are).
#pragma once

#include <memory>
#include <string>

#include "components/model/backend.h"
#include "components/model/model.h"

namespace penstock::model {

struct TensorManifest {
  std::string name;
  BackendFiles files;
  Signature signature;
};

// Invalid names the field.
[[nodiscard]] Result<TensorManifest> ParseTensorManifest(const std::string& yaml,
                                                         const std::string& what);

[[nodiscard]] std::unique_ptr<Model> MakeTensorModel(Signature signature,
                                                     std::unique_ptr<Backend> backend);

}  // namespace penstock::model
