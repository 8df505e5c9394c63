#include "components/train/mlp/checkpoint.h"

#include <torch/torch.h>

#include <cstring>

#include "components/model_format/safetensors.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr const char* kKey = "key";
constexpr const char* kNumbers = "numbers";
constexpr const char* kDigest = "sha256";

std::string PathOf(const std::string& folder, const std::string& name) {
  return folder + "/" + name + ".safetensors";
}

// Of everything that is read back.
template <typename Tensors>
std::string DigestOf(const Tensors& tensors, const std::string& key, const std::string& numbers) {
  Sha256 sha;
  sha.Update(key + "\n" + numbers + "\n");
  for (const auto& [name, view] : tensors) {
    sha.Update(name + "\n");
    for (const std::int64_t size : view.shape) sha.Update(std::to_string(size) + " ");
    sha.Update(view.bytes.data(), view.bytes.size());
  }
  return sha.HexDigest();
}

}  // namespace

Result<void> SaveSnapshot(const std::string& folder, const std::string& name,
                          const std::string& key, const Snapshot& snapshot) {
  std::map<std::string, torch::Tensor> kept;
  std::map<std::string, sdk::TensorView> views;
  for (const auto& [tensor_name, tensor] : snapshot.tensors) {
    const auto& own = kept[tensor_name] = tensor.detach().cpu().contiguous();
    const auto* begin = static_cast<const std::byte*>(own.const_data_ptr());
    views[tensor_name] = {sdk::TensorType::kF32, own.sizes().vec(), {begin, begin + own.nbytes()}};
  }
  const std::string numbers = snapshot.numbers.dump();
  return sdk::WriteSafetensors(
      PathOf(folder, name), views,
      {{kKey, key}, {kNumbers, numbers}, {kDigest, DigestOf(views, key, numbers)}});
}

std::optional<Snapshot> LoadSnapshot(const std::string& folder, const std::string& name,
                                     const std::string& key) {
  const auto file = sdk::SafetensorsFile::Open(PathOf(folder, name));
  if (!file) return std::nullopt;
  const auto& metadata = (*file)->metadata();
  const auto text = [&](const char* entry) {
    const auto at = metadata.find(entry);
    return at == metadata.end() ? std::string() : at->second;
  };
  if (text(kKey) != key) return std::nullopt;
  if (text(kDigest) != DigestOf((*file)->tensors(), key, text(kNumbers))) return std::nullopt;
  auto numbers = ParseJson(text(kNumbers), name);
  if (!numbers) return std::nullopt;
  Snapshot snapshot;
  snapshot.numbers = std::move(*numbers);
  for (const auto& [tensor_name, view] : (*file)->tensors()) {
    if (view.type != sdk::TensorType::kF32) return std::nullopt;
    auto tensor = torch::empty(view.shape, torch::kFloat32);
    if (!view.bytes.empty()) std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
    snapshot.tensors[tensor_name] = tensor;
  }
  return snapshot;
}

}  // namespace penstock::train
