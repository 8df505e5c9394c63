#include "components/sdk/scorer.h"

#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "components/model/catch_torch.h"
#include "components/model/layer_network.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kChunkRows = 16'384;

using Forward = std::function<torch::Tensor(const torch::Tensor&)>;

Result<Forward> LoadForward(const std::string& folder, const ModelManifest& manifest) {
  const std::string file = folder + "/" + manifest.file;
  if (manifest.backend == "safetensors") {
    PENSTOCK_ASSIGN(auto loaded, model::LayerNetwork::Load(folder, manifest.file));
    return Forward(
        [network = std::move(loaded)](const torch::Tensor& x) { return network.Run(x); });
  }
  if (manifest.backend != "torchscript") {
    return Invalid(
        folder + ": back end '" + manifest.backend +
        "' cannot be scored here; torchscript and safetensors can (the component predict "
        "runs every back end)");
  }
  return model::CatchTorch("load " + file, [&]() -> Result<Forward> {
    auto module = torch::jit::load(file, torch::kCPU);
    module.eval();
    return Forward([module](const torch::Tensor& x) mutable {
      const auto value = module.forward({x});
      if (!value.isTensor()) throw std::invalid_argument("the model answers no tensor");
      return value.toTensor();
    });
  });
}

}  // namespace

struct Scorer::Impl {
  ModelManifest manifest;
  Transform transform;
  std::function<torch::Tensor(const torch::Tensor&)> forward;
};

Scorer::Scorer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Scorer::~Scorer() = default;
Scorer::Scorer(Scorer&&) noexcept = default;
const ModelManifest& Scorer::manifest() const { return impl_->manifest; }
const Transform& Scorer::transform() const { return impl_->transform; }

Result<Scorer> Scorer::Load(const std::string& folder) {
  PENSTOCK_ASSIGN(auto manifest, LoadModelManifest(folder));
  PENSTOCK_ASSIGN(auto spec, LoadTransformSpec(folder + "/" + kTransformFile));
  PENSTOCK_ASSIGN(auto transform, Transform::Make(std::move(spec), manifest.view));
  if (transform.width() != std::size_t(manifest.features)) {
    return Invalid(folder + ": transform.json gives " + std::to_string(transform.width()) +
                   " features, model.yaml takes " + std::to_string(manifest.features));
  }
  PENSTOCK_ASSIGN(auto forward, LoadForward(folder, manifest));
  return Scorer(
      std::make_unique<Impl>(Impl{std::move(manifest), std::move(transform), std::move(forward)}));
}

Result<std::vector<float>> Scorer::Score(const FloatMatrix& x) const {
  const std::size_t width = impl_->manifest.RawWidth();
  std::vector<float> raw(x.rows * width);
  const auto run = [&]() -> Result<void> {
    torch::InferenceMode inference;
    for (std::size_t begin = 0; begin < x.rows; begin += kChunkRows) {
      const std::size_t rows = std::min(kChunkRows, x.rows - begin);
      auto input = torch::from_blob(x.data.get() + begin * x.width,
                                    {std::int64_t(rows), std::int64_t(x.width)}, torch::kFloat32);
      const torch::Tensor value = impl_->forward(input);
      if (std::size_t(value.numel()) != rows * width) {
        return Invalid("the model's answer has another shape than its signature");
      }
      const auto answer = value.to(torch::kFloat32).contiguous();
      std::copy_n(answer.const_data_ptr<float>(), rows * width, raw.data() + begin * width);
    }
    return {};
  };
  PENSTOCK_TRY(model::CatchTorch("run " + impl_->manifest.file, run));
  if (!std::all_of(raw.begin(), raw.end(), [](float v) { return std::isfinite(v); })) {
    return Invalid("the model answers with values that are not finite");
  }
  return raw;
}

}  // namespace penstock::sdk
