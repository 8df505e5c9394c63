// The trainable network of a tabular model and its TorchScript text. Includes LibTorch: for few
// files.
//
//   numbers ------------------------+-> [linear -> ReLU -> dropout]* -> linear -+
//   ids -> an embedding per column -+------------ direct: linear ---------------+-> logits
//
// The direct path (wide and deep: Cheng et al. 2016) is there where `direct` asks for it: what is a
// line needs no hidden value. It is saved as hidden values of its own, d as relu(d) and relu(-d)
// that further layers let pass, so that a saved network is what it was without: layers and ReLUs.
//
// Several such networks (`members`) may stand side by side and be computed in one go: they share
// the embeddings and see the same rows, each has hidden layers of its own, and the answer is that
// of the mean of their logits. As the last layer is linear, that mean is again one linear layer.
//
// The ids of a bag (a text's tokens) share one table; what enters is the mean of their rows, but of
// those that are 0. Bags come behind all ids that stand alone.
//
// Without hidden layers it is a linear model (an id's embedding is then its own weight, and there
// is one member). Used by one thread; LibTorch spreads the work itself.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/model_format/layers.h"
#include "components/model_format/transform.h"
#include "operator/base/result.h"

namespace penstock::sdk {

enum class Answer : std::uint8_t {
  kProbability,    // sigmoid(logit)
  kProbabilities,  // softmax(logits)
  kValue,          // logit * scale + offset
  kRate,           // exp(logit) * scale
};

struct NetworkSpec {
  std::vector<Feature> features;
  std::vector<std::int64_t> hidden;
  double dropout = 0;            // of hidden values
  double embedding_dropout = 0;  // of embeddings' values
  std::int64_t outputs = 1;
  std::int64_t members = 1;
  bool direct = false;  // a direct path from inputs to logits; nothing where nothing is hidden
  Answer answer = Answer::kProbability;
  // kValue: the network works on (y - offset) / scale and the answer is scaled back.
  double offset = 0;
  double scale = 1;
};

// The width of an embedding: fastai's rule of thumb (tabular/model.py, emb_sz_rule), at most 64:
// min(64, round(1.6 * cardinality ^ 0.56)).
[[nodiscard]] std::int64_t EmbeddingWidth(std::int64_t cardinality);

class Network : public torch::nn::Module {
 public:
  // Weights are drawn from `random` (LibTorch's default generator where it is not given: seed it
  // first). Members are 1 where nothing is hidden.
  explicit Network(NetworkSpec spec, std::optional<at::Generator> random = std::nullopt);

  // The members' logits, [N, F] -> [members, N, outputs]. In training mode values are dropped by
  // draws from `random`.
  [[nodiscard]] torch::Tensor MemberLogits(const torch::Tensor& x,
                                           std::optional<at::Generator> random = std::nullopt);
  // Their mean as the exported model computes it, without dropout: [N, F] -> [N, outputs].
  [[nodiscard]] torch::Tensor Logits(const torch::Tensor& x) const;
  [[nodiscard]] torch::Tensor Answers(const torch::Tensor& x) const;  // what the export gives

  // Writes model.ts: the same function in evaluation mode, float32[N, F] -> float32[N] or [N, K].
  [[nodiscard]] Result<void> Export(const std::string& path) const;
  // Writes the same function as network.json and weights.safetensors (layers.h).
  [[nodiscard]] Result<void> ExportLayers(const std::string& folder) const;

  [[nodiscard]] const NetworkSpec& spec() const { return spec_; }
  [[nodiscard]] const torch::Tensor& number_columns() const { return number_columns_; }
  // The bias of the last layer, [members, outputs]: what all members answer at first.
  [[nodiscard]] torch::Tensor& last_bias() { return biases_.back(); }
  // Weights of the linear layers, the embeddings' tables, and all biases, for an optimiser.
  [[nodiscard]] std::vector<torch::Tensor> weights() const;
  [[nodiscard]] const std::vector<torch::Tensor>& biases() const { return biases_; }
  [[nodiscard]] std::vector<torch::Tensor> tables() const;
  // Multiply-adds of one row's forward pass, all members.
  [[nodiscard]] double MultiplyAdds() const;

 private:
  struct Embedding {
    std::int64_t feature;
    std::int64_t count;  // of a bag (Feature::bag): its features; 0: one id
    torch::Tensor weight;
  };
  // A linear layer of the export: [O, I], or [members, O, I] with its bias [members * O].
  struct Linear {
    torch::Tensor weight;
    torch::Tensor bias;
  };
  [[nodiscard]] torch::Tensor Inputs(const torch::Tensor& x) const;  // numbers and embeddings
  [[nodiscard]] std::vector<Linear> Linears() const;
  void AddDirect(std::vector<Linear>& linears) const;
  [[nodiscard]] std::string Source() const;
  [[nodiscard]] std::vector<Layer> Layers() const;

  NetworkSpec spec_;
  torch::Tensor number_columns_;  // int64
  std::vector<Embedding> embeddings_;
  // weights_[0] [members * H, W]; the next [members, O, I]. biases_[i] [members * H], the last
  // [members, outputs]. Without hidden layers there is only the last, [1, outputs, W].
  std::vector<torch::Tensor> weights_;
  std::vector<torch::Tensor> biases_;
  torch::Tensor direct_;  // [members * outputs, W], or not defined
};

}  // namespace penstock::sdk
