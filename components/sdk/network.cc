#include "components/sdk/network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <span>
#include <sstream>

#include "components/model/catch_torch.h"
#include "components/model/layer_network.h"
#include "components/sdk/row_hash.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::int64_t kWidestEmbedding = 64;
constexpr double kTableStd = 0.3;  // of an embedding before training

std::string Number(double value) {
  std::ostringstream out;
  out.precision(17);
  out << value;
  const std::string text = out.str();
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

// Factors of a dropout: 0 for `share` of the values (to 1 / 65536), else 1 / (1 - share), by a hash
// of a counter, four values a word: LibTorch's own draws take longer than all else of a small step.
void FillFactors(std::span<float> factors, double share, std::uint64_t key) {
  const auto bound = std::uint64_t(std::lround(share * 65'536));
  const auto kept = float(1 / (1 - share));
  for (std::size_t begin = 0; begin < factors.size(); begin += 4) {
    std::uint64_t word = MixBits(key + begin);
    const std::size_t end = std::min(factors.size(), begin + 4);
    for (std::size_t i = begin; i < end; ++i, word >>= 16U) {
      factors[i] = (word & 0xFFFFU) < bound ? 0.0F : kept;
    }
  }
}

torch::Tensor Dropped(const torch::Tensor& h, double share,
                      const std::optional<at::Generator>& random) {
  auto factors = torch::empty_like(h);  // dense, in the order that h lies in
  if (!h.is_cpu()) return h * factors.bernoulli_(1 - share, random).div_(1 - share);
  auto* generator = at::get_generator_or_default<at::CPUGeneratorImpl>(
      random, at::detail::getDefaultCPUGenerator());
  const std::scoped_lock lock(generator->mutex_);
  FillFactors({factors.data_ptr<float>(), std::size_t(factors.numel())}, share,
              generator->random64());
  return h * factors;
}

// [N, G * I] -> [N, G * O] by weight [G, O, I].
torch::Tensor GroupedLinear(const torch::Tensor& h, const torch::Tensor& weight,
                            const torch::Tensor& bias) {
  const auto parts = h.reshape({-1, weight.size(0), weight.size(2)}).transpose(0, 1);
  const auto products = torch::matmul(parts, weight.transpose(1, 2)).transpose(0, 1);
  return products.reshape({-1, weight.size(0) * weight.size(1)}) + bias;
}

}  // namespace

std::int64_t EmbeddingWidth(std::int64_t cardinality) {
  return std::min(kWidestEmbedding,
                  std::int64_t(std::llround(1.6 * std::pow(double(cardinality), 0.56))));
}

Network::Network(NetworkSpec spec, std::optional<at::Generator> random) : spec_(std::move(spec)) {
  if (spec_.hidden.empty()) spec_.members = 1;
  std::vector<std::int64_t> numbers;
  std::int64_t width = 0;
  for (std::size_t i = 0; i < spec_.features.size(); ++i) {
    if (spec_.features[i].cardinality > 0) continue;
    numbers.push_back(std::int64_t(i));
    ++width;
  }
  for (const bool of_bags : {false, true}) {
    for (std::size_t i = 0; i < spec_.features.size(); ++i) {
      const Feature& feature = spec_.features[i];
      if (feature.cardinality == 0 || feature.bag < 0 || (feature.bag > 0) != of_bags) continue;
      const std::int64_t columns =
          spec_.hidden.empty() ? spec_.outputs : EmbeddingWidth(feature.cardinality);
      auto table = torch::empty({feature.cardinality, columns}).normal_(0, kTableStd, random);
      const std::string name = "e" + std::to_string(embeddings_.size());
      embeddings_.push_back({std::int64_t(i), feature.bag, register_parameter(name, table)});
      width += columns;
    }
  }
  number_columns_ = register_buffer("number_columns", torch::tensor(numbers, torch::kLong));
  std::vector<std::int64_t> sizes = spec_.hidden;
  sizes.push_back(spec_.outputs);
  const std::int64_t g = spec_.members;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double bound = 1 / std::sqrt(double(std::max<std::int64_t>(1, width)));
    const bool last = i + 1 == sizes.size();
    auto weight =
        i == 0 && !last ? torch::empty({g * sizes[i], width}) : torch::empty({g, sizes[i], width});
    auto bias = last ? torch::empty({g, sizes[i]}) : torch::empty({g * sizes[i]});
    weight.uniform_(-bound, bound, random);
    bias.uniform_(-bound, bound, random);
    const std::string index = std::to_string(i);
    weights_.push_back(register_parameter("w" + index, weight));
    biases_.push_back(register_parameter("b" + index, bias));
    if (i == 0 && spec_.direct && !last) {
      direct_ = register_parameter("direct", torch::zeros({g * spec_.outputs, width}));
    }
    width = sizes[i];
  }
}

std::vector<torch::Tensor> Network::weights() const {
  std::vector<torch::Tensor> weights = weights_;
  if (direct_.defined()) weights.push_back(direct_);
  return weights;
}

std::vector<torch::Tensor> Network::tables() const {
  std::vector<torch::Tensor> tables;
  for (const auto& e : embeddings_) tables.push_back(e.weight);
  return tables;
}

double Network::MultiplyAdds() const {
  double sum = 0;
  for (const auto& weight : weights()) sum += double(weight.numel());
  return sum;
}

torch::Tensor Network::Inputs(const torch::Tensor& x) const {
  std::vector<torch::Tensor> parts = {x.index_select(1, number_columns_)};
  for (const auto& e : embeddings_) {
    parts.push_back(e.count > 0
                        ? model::MeanOfBag(e.weight, x.narrow(1, e.feature, e.count))
                        : torch::embedding(e.weight, x.select(1, e.feature).to(torch::kLong)));
  }
  return parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
}

torch::Tensor Network::MemberLogits(const torch::Tensor& x, std::optional<at::Generator> random) {
  torch::Tensor h = Inputs(x);
  const std::int64_t numbers = number_columns_.numel();
  if (is_training() && spec_.embedding_dropout > 0 && !embeddings_.empty()) {
    const auto ids = h.narrow(1, numbers, h.size(1) - numbers);
    h = torch::cat({h.narrow(1, 0, numbers), Dropped(ids, spec_.embedding_dropout, random)}, 1);
  }
  torch::Tensor direct;
  if (direct_.defined()) {
    direct = torch::linear(h, direct_).view({h.size(0), spec_.members, -1}).transpose(0, 1);
  }
  if (weights_.size() > 1) {
    h = torch::relu(torch::linear(h, weights_[0], biases_[0]));
    h = h.view({h.size(0), spec_.members, -1}).transpose(0, 1);
  } else {
    h = h.unsqueeze(0);
  }
  for (std::size_t i = 1; i < weights_.size(); ++i) {
    if (is_training() && spec_.dropout > 0) h = Dropped(h, spec_.dropout, random);
    const auto bias = biases_[i].view({spec_.members, 1, -1});
    h = torch::baddbmm(bias, h, weights_[i].transpose(1, 2));
    if (i + 1 < weights_.size()) h = torch::relu(h);
  }
  if (weights_.size() == 1) {
    h = torch::baddbmm(biases_[0].view({1, 1, -1}), h, weights_[0].transpose(1, 2));
  }
  return direct.defined() ? h + direct : h;
}

// Each member gets 2 * outputs further values in each hidden layer.
void Network::AddDirect(std::vector<Linear>& linears) const {
  const std::int64_t g = spec_.members;
  const std::int64_t k = spec_.outputs;
  const auto direct = direct_.detach().view({g, k, -1});
  const auto pass = torch::eye(2 * k, direct.options()).expand({g, -1, -1});
  for (std::size_t i = 0; i < linears.size(); ++i) {
    auto weight = weights_[i].detach();
    auto bias = biases_[i].detach().view({g, -1});
    const bool last = i + 1 == linears.size();
    weight = weight.view({g, bias.size(1), -1});
    if (i == 0) {
      weight = torch::cat({weight, direct, -direct}, 1);
    } else if (last) {
      const auto one = pass.narrow(1, 0, k).narrow(2, 0, k);
      weight = torch::cat({weight, one, -one}, 2);
    } else {
      weight = torch::cat(
          {torch::cat({weight, torch::zeros({g, weight.size(1), 2 * k}, weight.options())}, 2),
           torch::cat({torch::zeros({g, 2 * k, weight.size(2)}, weight.options()), pass}, 2)},
          1);
    }
    if (!last) bias = torch::cat({bias, torch::zeros({g, 2 * k}, bias.options())}, 1);
    linears[i].weight = i == 0 ? weight.reshape({-1, weight.size(2)}) : weight;
    linears[i].bias = last ? bias : bias.reshape({-1});
  }
}

std::vector<Network::Linear> Network::Linears() const {
  std::vector<Linear> linears;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    linears.push_back({weights_[i].detach(), biases_[i].detach()});
  }
  if (direct_.defined()) AddDirect(linears);
  for (std::size_t i = 0; i < linears.size(); ++i) {
    auto& [weight, bias] = linears[i];
    if (i + 1 == linears.size()) {  // the mean over the members
      weight = weight.permute({1, 0, 2}).reshape({spec_.outputs, -1}) / double(spec_.members);
      bias = bias.mean(0);
    } else if (weight.dim() == 3 && spec_.members == 1) {
      weight = weight.squeeze(0);
    }
    weight = weight.contiguous();
    bias = bias.contiguous();
  }
  return linears;
}

torch::Tensor Network::Logits(const torch::Tensor& x) const {
  torch::Tensor h = Inputs(x);
  const auto linears = Linears();
  for (std::size_t i = 0; i < linears.size(); ++i) {
    const auto& [weight, bias] = linears[i];
    h = weight.dim() == 3 ? GroupedLinear(h, weight, bias) : torch::linear(h, weight, bias);
    if (i + 1 < linears.size()) h = torch::relu(h);
  }
  return h;
}

torch::Tensor Network::Answers(const torch::Tensor& x) const {
  torch::Tensor logits = Logits(x);
  switch (spec_.answer) {
    case Answer::kProbability:
      return torch::sigmoid(logits).squeeze(1);
    case Answer::kProbabilities:
      return torch::softmax(logits, 1);
    case Answer::kValue:
      return (logits * spec_.scale + spec_.offset).squeeze(1);
    case Answer::kRate:
      return (torch::exp(logits) * spec_.scale).squeeze(1);
  }
  return logits;
}

// The forward function as TorchScript; dtype 4 is int64, 6 float32 (c10::ScalarType).
std::string Network::Source() const {
  std::ostringstream s;
  s << "def forward(self, x: Tensor) -> Tensor:\n  h = torch.index_select(x, 1, "
       "self.number_columns)\n";
  for (std::size_t i = 0; i < embeddings_.size(); ++i) {
    const Embedding& e = embeddings_[i];
    if (e.count == 0) continue;
    s << "  i" << i << " = torch.narrow(x, 1, " << e.feature << ", " << e.count << ").to(4)\n  m"
      << i << " = torch.unsqueeze(torch.ne(i" << i << ", 0).to(6), 2)\n  p" << i
      << " = torch.sum(torch.embedding(self.e" << i << ", i" << i << ") * m" << i
      << ", [1]) / torch.clamp_min(torch.sum(m" << i << ", [1]), 1.0)\n";
  }
  if (!embeddings_.empty()) {
    s << "  h = torch.cat([h";
    for (std::size_t i = 0; i < embeddings_.size(); ++i) {
      if (embeddings_[i].count > 0) {
        s << ", p" << i;
        continue;
      }
      s << ", torch.embedding(self.e" << i << ", torch.select(x, 1, " << embeddings_[i].feature
        << ").to(4))";
    }
    s << "], 1)\n";
  }
  const auto linears = Linears();
  for (std::size_t i = 0; i < linears.size(); ++i) {
    const auto& weight = linears[i].weight;
    if (weight.dim() == 3) {
      s << "  h = torch.transpose(torch.reshape(h, [-1, " << weight.size(0) << ", "
        << weight.size(2) << "]), 0, 1)\n  h = torch.matmul(h, torch.transpose(self.w" << i
        << ", 1, 2))\n  h = torch.reshape(torch.transpose(h, 0, 1), [-1, "
        << weight.size(0) * weight.size(1) << "]) + self.b" << i << "\n";
    } else {
      s << "  h = torch.linear(h, self.w" << i << ", self.b" << i << ")\n";
    }
    if (i + 1 < linears.size()) s << "  h = torch.relu(h)\n";
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
    case Answer::kRate:
      s << "  return torch.squeeze(torch.exp(h), 1) * " << Number(spec_.scale) << "\n";
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
    const auto linears = Linears();
    for (std::size_t i = 0; i < linears.size(); ++i) {
      add("w" + std::to_string(i), linears[i].weight);
      add("b" + std::to_string(i), linears[i].bias);
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
    layers[0].embeddings.push_back(
        {embeddings_[i].feature, "e" + std::to_string(i), embeddings_[i].count});
  }
  const auto add = [&](LayerOp op) -> Layer& {
    layers.emplace_back().op = op;
    return layers.back();
  };
  const auto linears = Linears();
  for (std::size_t i = 0; i < linears.size(); ++i) {
    Layer& linear = add(linears[i].weight.dim() == 3 ? LayerOp::kGroupedLinear : LayerOp::kLinear);
    linear.weight = "w" + std::to_string(i);
    linear.bias = "b" + std::to_string(i);
    if (i + 1 < linears.size()) add(LayerOp::kRelu);
  }
  if (spec_.answer == Answer::kProbability) add(LayerOp::kSigmoid);
  if (spec_.answer == Answer::kProbabilities) add(LayerOp::kSoftmax);
  if (spec_.answer == Answer::kRate) add(LayerOp::kExp);
  if (spec_.answer == Answer::kValue || spec_.answer == Answer::kRate) {
    Layer& affine = add(LayerOp::kAffine);
    affine.scale = spec_.scale;
    affine.offset = spec_.answer == Answer::kValue ? spec_.offset : 0;
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
    const auto linears = Linears();
    for (std::size_t i = 0; i < linears.size(); ++i) {
      add("w" + std::to_string(i), linears[i].weight);
      add("b" + std::to_string(i), linears[i].bias);
    }
    PENSTOCK_TRY(WriteSafetensors(folder + "/" + kWeightsFile, views, {{"format", "pt"}}));
    return WriteFileAtomically(folder + "/" + kNetworkFile, ToJson(Layers()).dump(1) + "\n");
  });
}

}  // namespace penstock::sdk
