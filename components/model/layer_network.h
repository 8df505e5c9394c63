// Runs layers (layers.h) on weights that stay mapped from their file: no copy, unless a weight is
// no aligned float32. Immutable, so thread-safe. Includes LibTorch: for few files.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "components/model_format/layers.h"
#include "operator/base/result.h"

namespace penstock::model {

// ids [N, count] -> [N, width]: the mean of their rows of `table` [rows, width], but of those that
// are 0; zeros where all are. Also what is learnt through: gradients go to the table.
[[nodiscard]] at::Tensor MeanOfBag(const at::Tensor& table, const at::Tensor& ids);

class LayerNetwork {
 public:
  // `folder` holds network.json; `weights`: the file's name in it. Invalid names what does not fit.
  [[nodiscard]] static Result<LayerNetwork> Load(const std::string& folder,
                                                 const std::string& weights);

  [[nodiscard]] const sdk::NetworkShape& shape() const { return shape_; }
  // float32[N, F] -> [N] or [N, K]. Throws what LibTorch throws (an id outside its embedding).
  [[nodiscard]] at::Tensor Run(const at::Tensor& x) const;

 private:
  struct Step {
    sdk::LayerOp op = sdk::LayerOp::kRelu;
    at::Tensor weight;
    at::Tensor bias;
    at::Tensor numbers;
    struct Table {
      std::int64_t feature = 0;
      std::int64_t count = 0;  // of a bag: its features; 0: one id
      at::Tensor rows;
    };
    std::vector<Table> embeddings;
    double scale = 1;
    double offset = 0;
  };
  sdk::NetworkShape shape_;
  std::vector<Step> steps_;
};

}  // namespace penstock::model
