// Runs layers (layers.h) of small networks in plain C++: without LibTorch, whose loading takes
// longer than all that they compute. The same numbers as LibTorch's to float32's rounding, and the
// same bits on every machine: sums go in the features' order. Immutable, so thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "components/model/tensor.h"
#include "components/model_format/layers.h"
#include "operator/base/result.h"

namespace penstock::model {

class PlainNetwork {
 public:
  // `folder` holds network.json; `weights`: the file's name in it. Nothing for a network of more
  // than `most` multiply-adds a row. Invalid names what does not fit.
  [[nodiscard]] static Result<std::optional<PlainNetwork>> Load(const std::string& folder,
                                                                const std::string& weights,
                                                                std::int64_t most);

  [[nodiscard]] const sdk::NetworkShape& shape() const { return shape_; }
  // float32[N, F] -> [N] or [N, K]. Invalid for another shape, and a feature that is no row of its
  // embedding.
  [[nodiscard]] Result<Tensor> Run(const Tensor& x) const;

 private:
  struct Table {
    std::int64_t feature = 0;
    std::int64_t count = 0;  // of a bag: its features; 0: one id
    std::int64_t rows = 0;
    std::int64_t width = 0;
    std::vector<float> values;  // [rows, width]
  };
  struct Step {
    sdk::LayerOp op = sdk::LayerOp::kRelu;
    std::int64_t groups = 1;    // of a grouped linear layer
    std::int64_t inputs = 0;    // of a linear layer, or of each group
    std::int64_t outputs = 0;   // values a row after this step
    std::vector<float> weight;  // [groups, inputs, outputs / groups]: the file's transposed
    std::vector<float> bias;    // [outputs], or empty
    std::vector<std::int64_t> numbers;
    std::vector<Table> tables;
    float scale = 1;
    float offset = 0;
  };

  static Result<Step> MakeStep(const sdk::Layer& layer, const sdk::SafetensorsFile& file,
                               std::int64_t width);
  static Result<void> RunStep(const Step& step, const std::vector<float>& in, std::size_t rows,
                              std::vector<float>* out);
  static Result<void> AppendRow(const Table& table, const float* row, std::size_t number,
                                std::vector<float>* out);
  [[nodiscard]] bool Takes(std::int64_t features) const;

  sdk::NetworkShape shape_;
  std::vector<Step> steps_;
};

}  // namespace penstock::model
