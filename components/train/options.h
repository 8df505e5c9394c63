// What the component `train` was asked for. Value type.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

struct TrainOptions {
  std::string name;           // of the model
  std::string label;          // empty: the column with that role
  std::string task = "auto";  // auto, classification, regression
  std::string model = "mlp";  // mlp, linear
  std::vector<std::int64_t> hidden = {64, 32};
  double dropout = 0.1;
  double learning_rate = 0.002;
  double weight_decay = 1e-5;
  std::int64_t epochs = 10;
  std::int64_t batch_size = 1024;
  std::int64_t patience = 3;  // epochs without a better valid metric; 0: never stop early
  double threshold = 0.5;
  std::int64_t seed = 0;
  std::string device = "auto";  // auto, cpu, cuda
  std::int64_t examples = 20;
  std::string format = "torchscript";  // torchscript, safetensors: the model's back end
};

[[nodiscard]] Result<TrainOptions> ReadOptions(const Json& parameters);

}  // namespace penstock::train
