// Networks of layers with safetensors weights (components/model_format/layers.h).
#include <c10/core/InferenceMode.h>

#include <exception>
#include <utility>

#include "components/model/backend.h"
#include "components/model/layer_network.h"
#include "components/model/torch_tensor.h"

namespace penstock::model {
namespace {

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

Result<std::unique_ptr<Backend>> LoadLayerNetwork(const std::string& folder,
                                                  const std::string& weights) {
  auto network = LayerNetwork::Load(folder, weights);
  if (!network) return network.error();
  return std::unique_ptr<Backend>(std::make_unique<LayerBackend>(std::move(*network)));
}

}  // namespace penstock::model
