// The trainable network of a tabular model and its TorchScript text. Includes LibTorch: for few
// files.
//
//   numbers ----------------------+
//   ids -> an embedding per column -+-> [linear -> ReLU -> dropout]* -> linear -> logits
//
// Without hidden layers it is a linear model (an id's embedding is then its own weight). Used by
// one thread; LibTorch spreads the work itself.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "components/model_format/layers.h"
#include "components/model_format/transform.h"
#include "operator/base/result.h"

namespace penstock::sdk {

enum class Answer : std::uint8_t { kProbability, kProbabilities, kValue };

struct NetworkSpec {
  std::vector<Feature> features;
  std::vector<std::int64_t> hidden;
  double dropout = 0;
  std::int64_t outputs = 1;
  Answer answer = Answer::kProbability;
  // kValue: the network works on (y - offset) / scale and the answer is scaled back.
  double offset = 0;
  double scale = 1;
};

class Network : public torch::nn::Module {
 public:
  // Initialised from LibTorch's default generator: seed it first.
  explicit Network(NetworkSpec spec);

  [[nodiscard]] torch::Tensor Logits(const torch::Tensor& x);   // [N, F] -> [N, outputs]
  [[nodiscard]] torch::Tensor Answers(const torch::Tensor& x);  // what the exported model gives

  // Writes model.ts: the same function in evaluation mode, float32[N, F] -> float32[N] or [N, K].
  [[nodiscard]] Result<void> Export(const std::string& path) const;
  // Writes the same function as network.json and weights.safetensors (layers.h).
  [[nodiscard]] Result<void> ExportLayers(const std::string& folder) const;

  [[nodiscard]] const NetworkSpec& spec() const { return spec_; }

 private:
  struct Embedding {
    std::int64_t feature;
    torch::Tensor weight;
  };
  [[nodiscard]] std::string Source() const;
  [[nodiscard]] std::vector<Layer> Layers() const;

  NetworkSpec spec_;
  torch::Tensor number_columns_;  // int64
  std::vector<Embedding> embeddings_;
  std::vector<torch::Tensor> weights_;
  std::vector<torch::Tensor> biases_;
};

}  // namespace penstock::sdk
