// The weights that a network begins with, and which of them stay as they are. Includes LibTorch.
//
// A network's own names: e0, e1, ... the tables of ids in the order of the features (then those of
// bags), w0, b0, w1, b1, ... the layers from the first hidden one to the answer. Weights stand in
// the file as an exported network has them: [O, I]; of several networks side by side [G, O, I].
#pragma once

#include <torch/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/network.h"
#include "components/train/learner.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

// What became of each parameter.
struct InitReport {
  std::vector<std::string> taken;   // over, by the network's names
  std::vector<std::string> fresh;   // drawn anew
  std::vector<std::string> unused;  // of the file, by its names
  std::vector<std::string> frozen;
  [[nodiscard]] Json ToJson() const;
};

struct InitShape {
  std::vector<std::int64_t> hidden;
  std::int64_t networks = 1;
};

class Init {
 public:
  // Reads all tensors. Invalid for a file that does not load, and for a weight that is not finite.
  [[nodiscard]] static Result<std::shared_ptr<const Init>> Load(const InitOptions& options);

  // Of the network that the file is of; nothing where it has no w0, or its layers do not fit each
  // other.
  [[nodiscard]] const std::optional<InitShape>& shape() const { return shape_; }
  [[nodiscard]] const InitOptions& options() const { return options_; }

  // Copies what matches by name and shape into the network and stops gradients of what is frozen.
  // Invalid names what does not match, unless InitOptions::fresh; a pattern that freezes nothing;
  // what would be frozen and is not in the file; a network of which all is frozen.
  [[nodiscard]] Result<InitReport> Apply(sdk::Network& network) const;

 private:
  [[nodiscard]] const torch::Tensor* Find(const std::string& own) const;
  [[nodiscard]] std::string NameOf(const std::string& own) const;
  [[nodiscard]] std::optional<InitShape> ShapeOf() const;
  [[nodiscard]] Result<void> Freeze(sdk::Network& network, InitReport& report) const;

  InitOptions options_;
  std::map<std::string, torch::Tensor> tensors_;  // float32, on the CPU
  std::optional<torch::Tensor> number_columns_;  // of a network of ours: which features are numbers
  std::optional<InitShape> shape_;
};

}  // namespace penstock::train
