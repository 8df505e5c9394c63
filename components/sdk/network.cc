#include "components/sdk/network.h"

#include <torch/nn/functional.h>
#include <torch/nn/init.h>
#include <torch/script.h>

#include <cmath>
#include <sstream>

#include "components/sdk/network_check.h"

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
  const torch::Tensor logits = Logits(x);
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
  return CatchTorch("write " + path, [&]() -> Result<void> {
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

}  // namespace penstock::sdk
