#include "components/sdk/network.h"

#include <torch/nn/functional.h>
#include <torch/nn/init.h>
#include <torch/script.h>

#include <cmath>
#include <sstream>

#include "components/model/catch_torch.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

// The width of an embedding: fastai's rule of thumb (tabular/model.py, emb_sz_rule).
std::int64_t EmbeddingWidth(std::int64_t cardinality) {
  return std::min<std::int64_t>(600, std::llround(1.6 * std::pow(double(cardinality), 0.56)));
}

std::string Number(double value) {
  std::ostringstream out;
  out.precision(17);
  out << value;
  const std::string text = out.str();
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

}  // namespace

Network::Network(NetworkSpec spec) : spec_(std::move(spec)) {
  std::vector<std::int64_t> numbers;
  std::int64_t width = 0;
  for (std::size_t i = 0; i < spec_.features.size(); ++i) {
    const Feature& feature = spec_.features[i];
    if (feature.cardinality == 0) {
      numbers.push_back(std::int64_t(i));
      ++width;
      continue;
    }
    const std::int64_t columns =
        spec_.hidden.empty() ? spec_.outputs : EmbeddingWidth(feature.cardinality);
    auto weight = torch::randn({feature.cardinality, columns}) * 0.05;
    embeddings_.push_back(
        {std::int64_t(i), register_parameter("e" + std::to_string(embeddings_.size()), weight)});
    width += columns;
  }
  number_columns_ = register_buffer("number_columns", torch::tensor(numbers, torch::kLong));
  std::vector<std::int64_t> sizes = spec_.hidden;
  sizes.push_back(spec_.outputs);
  for (const std::int64_t size : sizes) {
    auto weight = torch::empty({size, width});
    torch::nn::init::kaiming_uniform_(weight, std::sqrt(5));
    const double bound = 1 / std::sqrt(double(width));
    auto bias = torch::empty({size}).uniform_(-bound, bound);
    const std::string index = std::to_string(weights_.size());
    weights_.push_back(register_parameter("w" + index, weight));
    biases_.push_back(register_parameter("b" + index, bias));
    width = size;
  }
}

torch::Tensor Network::Logits(const torch::Tensor& x) {
  std::vector<torch::Tensor> parts = {x.index_select(1, number_columns_)};
  for (const auto& e : embeddings_) {
    parts.push_back(torch::embedding(e.weight, x.select(1, e.feature).to(torch::kLong)));
  }
  torch::Tensor h = parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    h = torch::linear(h, weights_[i], biases_[i]);
    if (i + 1 == weights_.size()) break;
    h = torch::relu(h);
    if (spec_.dropout > 0) h = torch::dropout(h, spec_.dropout, is_training());
  }
  return h;
}

torch::Tensor Network::Answers(const torch::Tensor& x) {
  torch::Tensor logits = Logits(x);
  switch (spec_.answer) {
    case Answer::kProbability:
      return torch::sigmoid(logits).squeeze(1);
    case Answer::kProbabilities:
      return torch::softmax(logits, 1);
    case Answer::kValue:
      return logits.squeeze(1) * spec_.scale + spec_.offset;
  }
  return logits;
}

// The forward function as TorchScript; dtype 4 is int64 (c10::ScalarType::Long).
std::string Network::Source() const {
  std::ostringstream s;
  s << "def forward(self, x: Tensor) -> Tensor:\n  h = torch.index_select(x, 1, "
       "self.number_columns)\n";
  if (!embeddings_.empty()) {
    s << "  h = torch.cat([h";
    for (std::size_t i = 0; i < embeddings_.size(); ++i) {
      s << ", torch.embedding(self.e" << i << ", torch.select(x, 1, " << embeddings_[i].feature
        << ").to(4))";
    }
    s << "], 1)\n";
  }
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    s << "  h = torch.linear(h, self.w" << i << ", self.b" << i << ")\n";
    if (i + 1 < weights_.size()) s << "  h = torch.relu(h)\n";
  }
  switch (spec_.answer) {
    case Answer::kProbability:
      s << "  return torch.squeeze(torch.sigmoid(h), 1)\n";
      break;
    case Answer::kProbabilities:
      s << "  return torch.softmax(h, 1)\n";
      break;
    case Answer::kValue:
      s << "  return torch.squeeze(h, 1) * " << Number(spec_.scale) << " + " << Number(spec_.offset)
        << "\n";
      break;
  }
  return s.str();
}

Result<void> Network::Export(const std::string& path) const {
  return model::CatchTorch("write " + path, [&]() -> Result<void> {
    torch::NoGradGuard no_grad;
    torch::jit::Module module("Model");
    const auto add = [&](const std::string& name, const torch::Tensor& tensor) {
      module.register_parameter(name, tensor.detach().cpu().clone(), false);
    };
    module.register_buffer("number_columns", number_columns_.cpu().clone());
    for (std::size_t i = 0; i < embeddings_.size(); ++i) {
      add("e" + std::to_string(i), embeddings_[i].weight);
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      add("w" + std::to_string(i), weights_[i]);
      add("b" + std::to_string(i), biases_[i]);
    }
    module.define(Source());
    module.eval();
    module.save(path);
    return {};
  });
}

std::vector<Layer> Network::Layers() const {
  std::vector<Layer> layers(1);
  layers[0].op = LayerOp::kFeatures;
  const at::Tensor numbers = number_columns_.cpu();
  layers[0].numbers.assign(numbers.const_data_ptr<std::int64_t>(),
                           numbers.const_data_ptr<std::int64_t>() + numbers.numel());
  for (std::size_t i = 0; i < embeddings_.size(); ++i) {
    layers[0].embeddings.push_back({embeddings_[i].feature, "e" + std::to_string(i)});
  }
  const auto add = [&](LayerOp op) -> Layer& {
    layers.emplace_back().op = op;
    return layers.back();
  };
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    Layer& linear = add(LayerOp::kLinear);
    linear.weight = "w" + std::to_string(i);
    linear.bias = "b" + std::to_string(i);
    if (i + 1 < weights_.size()) add(LayerOp::kRelu);
  }
  if (spec_.answer == Answer::kProbability) add(LayerOp::kSigmoid);
  if (spec_.answer == Answer::kProbabilities) add(LayerOp::kSoftmax);
  if (spec_.answer == Answer::kValue) {
    Layer& affine = add(LayerOp::kAffine);
    affine.scale = spec_.scale;
    affine.offset = spec_.offset;
  }
  if (spec_.answer != Answer::kProbabilities) add(LayerOp::kSqueeze);
  return layers;
}

Result<void> Network::ExportLayers(const std::string& folder) const {
  return model::CatchTorch("write " + folder, [&]() -> Result<void> {
    std::vector<torch::Tensor> kept;  // what the views below look at
    std::map<std::string, TensorView> views;
    const auto add = [&](const std::string& name, const torch::Tensor& tensor) {
      kept.push_back(tensor.detach().cpu().to(torch::kFloat32).contiguous());
      const torch::Tensor& own = kept.back();
      const auto* begin = static_cast<const std::byte*>(own.const_data_ptr());
      views[name] = {TensorType::kF32, own.sizes().vec(), {begin, begin + own.nbytes()}};
    };
    for (std::size_t i = 0; i < embeddings_.size(); ++i) {
      add("e" + std::to_string(i), embeddings_[i].weight);
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      add("w" + std::to_string(i), weights_[i]);
      add("b" + std::to_string(i), biases_[i]);
    }
    PENSTOCK_TRY(WriteSafetensors(folder + "/" + kWeightsFile, views, {{"format", "pt"}}));
    return WriteFileAtomically(folder + "/" + kNetworkFile, ToJson(Layers()).dump(1) + "\n");
  });
}

}  // namespace penstock::sdk
