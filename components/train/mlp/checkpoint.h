// The state of a training on disk: tensors and a few numbers in one safetensors file, written
// whole. Includes LibTorch.
#pragma once

#include <torch/types.h>

#include <map>
#include <optional>
#include <string>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::train {

struct Snapshot {
  std::map<std::string, torch::Tensor> tensors;  // float32, on the CPU
  Json numbers = Json::object();
};

// `name` is the file's, without its ending; `key` names what is trained on what and how: a snapshot
// of another key is nothing to it.
[[nodiscard]] Result<void> SaveSnapshot(const std::string& folder, const std::string& name,
                                        const std::string& key, const Snapshot& snapshot);

// Nothing where there is no file, where it is of another key, and where it is not whole (its bytes
// have another digest).
[[nodiscard]] std::optional<Snapshot> LoadSnapshot(const std::string& folder,
                                                   const std::string& name, const std::string& key);

}  // namespace penstock::train
