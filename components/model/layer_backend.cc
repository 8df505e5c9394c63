// Networks of layers with safetensors weights (components/model_format/layers.h): small ones in
// plain C++, large ones by LibTorch.
#include <optional>
#include <utility>

#include "components/model/backend.h"
#include "components/model/plain_network.h"
#include "components/model/torch_module.h"
#include "operator/base/try.h"

namespace penstock::model {
namespace {

class PlainBackend : public Backend {
 public:
  explicit PlainBackend(PlainNetwork network) : network_(std::move(network)) {}

  std::string platform() const override { return "penstock_safetensors"; }
  std::int64_t width() const override { return network_.shape().inputs; }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    if (inputs.size() != 1) return Invalid("a network of layers takes one input");
    auto answer = network_.Run(inputs.front());
    if (!answer) return Invalid("the model refuses this input: " + answer.error().message);
    return std::vector<Tensor>{std::move(*answer)};
  }

 private:
  const PlainNetwork network_;
};

}  // namespace

Result<std::unique_ptr<Backend>> LoadLayerNetwork(const std::string& folder,
                                                  const std::string& weights) {
  PENSTOCK_ASSIGN(auto small, PlainNetwork::Load(folder, weights, kSmallNetwork));
  if (!small) return LoadLargeNetwork(folder, weights);
  return std::unique_ptr<Backend>(std::make_unique<PlainBackend>(std::move(*small)));
}

}  // namespace penstock::model
