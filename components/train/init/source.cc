#include "components/train/init/source.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "components/model_format/layers.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

Result<std::string> DigestOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return FromErrno("input init: " + path, errno);
  Sha256 sha;
  std::vector<char> buffer(1 << 20);
  do {
    in.read(buffer.data(), std::streamsize(buffer.size()));
    sha.Update(buffer.data(), std::size_t(in.gcount()));
  } while (in);
  if (in.bad()) return FromErrno("input init: " + path, errno);
  return sha.HexDigest();
}

// TorchScript is a zip; safetensors begins with the length of its header, which is JSON.
Result<std::string> FormatOf(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return FromErrno("input init: " + path, errno);
  std::string head(9, '\0');
  in.read(head.data(), std::streamsize(head.size()));
  head.resize(std::size_t(in.gcount()));
  if (head.starts_with("PK")) return std::string("torchscript");
  if (head.size() == 9 && head.back() == '{') return std::string("safetensors");
  return Invalid("input init: " + path +
                 " is neither a TorchScript file (torch.jit.save) nor safetensors, nor the folder "
                 "of a model");
}

// The weights of a network that bends its values by another function mean something else here.
Result<void> CheckBends(const std::string& folder) {
  PENSTOCK_ASSIGN(const auto layers, sdk::LoadLayers(folder + "/" + sdk::kNetworkFile));
  for (const sdk::Layer& layer : layers) {
    if (layer.op != sdk::LayerOp::kTanh && layer.op != sdk::LayerOp::kGelu) continue;
    return Invalid("input init: its network.json has " + std::string(Name(layer.op)) +
                   " between layers, and the networks of train have relu");
  }
  return {};
}

Result<void> ReadModel(const std::string& folder, InitSource& init) {
  if (!std::filesystem::exists(folder + "/" + sdk::kModelFile)) {
    return Invalid("input init: " + folder + " is a folder without model.yaml");
  }
  PENSTOCK_ASSIGN(init.manifest, sdk::LoadModelManifest(folder));
  const sdk::ModelManifest& m = *init.manifest;
  if ((m.backend != "torchscript" && m.backend != "safetensors") ||
      m.view != sdk::View::kEmbedding) {
    return Invalid("input init: model '" + m.name + "' (" + m.backend +
                   ") is no network that train has written; give one of model mlp");
  }
  init.file = folder + "/" + m.file;
  init.format = m.backend;
  if (init.format == "safetensors") PENSTOCK_TRY(CheckBends(folder));
  PENSTOCK_ASSIGN(init.transform, sdk::LoadTransformSpec(folder + "/" + sdk::kTransformFile));
  return {};
}

const sdk::Column* Find(const std::vector<sdk::Column>& columns, const std::string& name) {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const auto& column) { return column.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

Result<void> CheckInputs(const sdk::TransformSpec& own, const sdk::TransformSpec& given) {
  for (const auto& column : own.inputs) {
    const sdk::Column* other = Find(given.inputs, column.name);
    if (other != nullptr && other->type == column.type) continue;
    return Invalid(
        "input init: its model takes column '" + column.name + "' as a " + Name(column.type) +
        ", and the given transform " +
        (other == nullptr ? "does not have it" : std::string("as a ") + Name(other->type)) +
        "; the features of a pretrained model are its own");
  }
  for (const auto& column : given.inputs) {
    if (Find(own.inputs, column.name) != nullptr) continue;
    return Invalid("input init: its model does not take column '" + column.name +
                   "', which the given transform has; the features of a pretrained model are its "
                   "own");
  }
  return {};
}

}  // namespace

Result<InitSource> FindInit(const std::string& path) {
  InitSource init;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    PENSTOCK_TRY(ReadModel(path, init));
  } else {
    init.file = path;
    PENSTOCK_ASSIGN(init.format, FormatOf(path));
  }
  PENSTOCK_ASSIGN(init.digest, DigestOf(init.file));
  return init;
}

Result<sdk::TransformSpec> RecipeWith(const InitSource& init, const sdk::TransformSpec& given) {
  if (init.transform) PENSTOCK_TRY(CheckInputs(*init.transform, given));
  const sdk::TransformSpec& recipe = init.transform ? *init.transform : given;
  for (const auto& step : recipe.steps) {
    if (step.op != sdk::TransformOp::kTargetEncode) continue;
    return Invalid("input init: column '" + recipe.inputs[step.input].name +
                   "' is target encoded, by means that know the labels of rows to be held out; a "
                   "network with init learns without targetEncode");
  }
  return recipe;
}

}  // namespace penstock::train
