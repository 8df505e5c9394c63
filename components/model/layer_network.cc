#include "components/model/layer_network.h"

#include <ATen/ATen.h>

#include <cstring>
#include <optional>

#include "components/model/catch_torch.h"
#include "operator/base/try.h"

namespace penstock::model {
namespace {

at::ScalarType ScalarOf(sdk::TensorType type) {
  switch (type) {
    case sdk::TensorType::kF64:
      return at::kDouble;
    case sdk::TensorType::kF16:
      return at::kHalf;
    case sdk::TensorType::kBf16:
      return at::kBFloat16;
    default:
      return at::kFloat;
  }
}

// A float32 tensor on the file's own bytes; the tensor keeps the file mapped. sdk::CheckLayers has
// seen that it is there and holds floats.
at::Tensor Weight(const std::shared_ptr<const sdk::SafetensorsFile>& file,
                  const std::string& name) {
  if (name.empty()) return {};
  const sdk::TensorView& view = *file->Find(name);
  const auto address = reinterpret_cast<std::uintptr_t>(view.bytes.data());
  void* bytes = const_cast<std::byte*>(view.bytes.data());  // never written: inference only
  if (address % sdk::SizeOf(view.type) != 0) {
    at::Tensor copy = at::empty(view.shape, ScalarOf(view.type));
    std::memcpy(copy.data_ptr(), bytes, view.bytes.size());
    return copy.to(at::kFloat);
  }
  const auto keep = [file](void*) {};
  return at::from_blob(bytes, view.shape, keep, ScalarOf(view.type)).to(at::kFloat);
}

}  // namespace

at::Tensor MeanOfBag(const at::Tensor& table, const at::Tensor& ids) {
  const auto places = ids.to(at::kLong);
  const auto mask = places.ne(0).to(table.dtype()).unsqueeze(2);
  return (at::embedding(table, places) * mask).sum({1}) / mask.sum({1}).clamp_min(1);
}

Result<LayerNetwork> LayerNetwork::Load(const std::string& folder, const std::string& weights) {
  PENSTOCK_ASSIGN(const auto layers, sdk::LoadLayers(folder + "/" + sdk::kNetworkFile));
  PENSTOCK_ASSIGN(const auto file, sdk::SafetensorsFile::Open(folder + "/" + weights));
  auto shape = sdk::CheckLayers(layers, *file);
  if (!shape) return Wrap(folder, shape.error());
  LayerNetwork network;
  network.shape_ = *shape;
  return CatchTorch("load " + folder + "/" + weights, [&]() -> Result<LayerNetwork> {
    for (const sdk::Layer& layer : layers) {
      Step step;
      step.op = layer.op;
      step.weight = Weight(file, layer.weight);
      step.bias = Weight(file, layer.bias);
      step.numbers = at::tensor(layer.numbers, at::kLong);
      for (const auto& e : layer.embeddings) {
        step.embeddings.push_back({e.feature, e.count, Weight(file, e.weight)});
      }
      step.scale = layer.scale;
      step.offset = layer.offset;
      network.steps_.push_back(std::move(step));
    }
    return std::move(network);
  });
}

at::Tensor LayerNetwork::Run(const at::Tensor& x) const {
  at::Tensor h = x;
  for (const Step& step : steps_) {
    switch (step.op) {
      case sdk::LayerOp::kFeatures: {
        std::vector<at::Tensor> parts;
        if (step.numbers.numel() > 0) parts.push_back(h.index_select(1, step.numbers));
        for (const auto& [feature, count, table] : step.embeddings) {
          parts.push_back(count == 0 ? at::embedding(table, h.select(1, feature).to(at::kLong))
                                     : MeanOfBag(table, h.narrow(1, feature, count)));
        }
        h = parts.size() == 1 ? parts[0] : at::cat(parts, 1);
        break;
      }
      case sdk::LayerOp::kLinear:
        h = at::linear(h, step.weight,
                       step.bias.defined() ? std::optional(step.bias) : std::nullopt);
        break;
      case sdk::LayerOp::kGroupedLinear: {
        const auto groups = step.weight.size(0);
        const auto parts = h.reshape({-1, groups, step.weight.size(2)}).transpose(0, 1);
        const auto products = at::matmul(parts, step.weight.transpose(1, 2));
        h = products.transpose(0, 1).reshape({-1, groups * step.weight.size(1)});
        if (step.bias.defined()) h = h + step.bias;
        break;
      }
      case sdk::LayerOp::kRelu:
        h = at::relu(h);
        break;
      case sdk::LayerOp::kTanh:
        h = at::tanh(h);
        break;
      case sdk::LayerOp::kGelu:
        h = at::gelu(h);
        break;
      case sdk::LayerOp::kSigmoid:
        h = at::sigmoid(h);
        break;
      case sdk::LayerOp::kExp:
        h = at::exp(h);
        break;
      case sdk::LayerOp::kSoftmax:
        h = at::softmax(h, 1);
        break;
      case sdk::LayerOp::kAffine:
        h = h * step.scale + step.offset;
        break;
      case sdk::LayerOp::kSqueeze:
        h = h.squeeze(1);
        break;
    }
  }
  return h;
}

}  // namespace penstock::model
