// AdamW (Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019) on a network's
// parameters, its state laid open for checkpoints. Includes LibTorch. Used by one thread.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "components/sdk/network.h"
#include "components/train/mlp/checkpoint.h"
#include "components/train/mlp/schedule.h"

namespace penstock::train {

class AdamW {
 public:
  // Weights decay by `weight_decay`, embeddings by a tenth of it, biases not. What needs no
  // gradient is left alone, and is in none of what follows.
  AdamW(const sdk::Network& network, double weight_decay);

  // One step down the parameters' gradients, which are first scaled down to the norm `clip`
  // together; forgets them.
  void Step(const Pace& pace, double clip);

  // Parameters as "p0", "p1", ..., their moments as "m0" and "v0", ...
  void Save(Snapshot* to) const;
  // False, and nothing changed, where a tensor is missing or of another shape.
  [[nodiscard]] bool Load(const Snapshot& from);
  // The parameters alone.
  [[nodiscard]] std::vector<torch::Tensor> Copy() const;
  void Assign(const std::vector<torch::Tensor>& parameters);
  // Forgets the moments.
  void Reset();

 private:
  struct Group {
    std::vector<torch::Tensor> parameters;
    std::vector<torch::Tensor> means;
    std::vector<torch::Tensor> squares;
    double decay = 0;
  };
  std::vector<Group> groups_;
  torch::Tensor steps_;
};

}  // namespace penstock::train
