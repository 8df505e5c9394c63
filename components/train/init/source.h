// The input `init`: the weights that a network begins with, from a model folder of an earlier run
// or a file of weights. Touches no weights; knows no LibTorch.
#pragma once

#include <optional>
#include <string>

#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"
#include "operator/base/result.h"

namespace penstock::train {

struct InitSource {
  std::string file;    // of the weights
  std::string format;  // torchscript, safetensors
  std::string digest;  // of the file's bytes
  // Of a model folder: what it was trained as, and how its features are made.
  std::optional<sdk::ModelManifest> manifest;
  std::optional<sdk::TransformSpec> transform;
};

// `path`: a folder with model.yaml, a TorchScript file, or a safetensors file, told by its first
// bytes. Invalid for anything else, for a model of a back end that has no layers, and for one whose
// network.json has other functions between them than train's networks.
[[nodiscard]] Result<InitSource> FindInit(const std::string& path);

// The recipe that features are made by with `init`: its own, where it has one, else the given one;
// its constants stay, as the weights belong to them. Invalid where the inputs of both differ, and
// for target means, which know the labels of rows that are held out.
[[nodiscard]] Result<sdk::TransformSpec> RecipeWith(const InitSource& init,
                                                    const sdk::TransformSpec& given);

}  // namespace penstock::train
