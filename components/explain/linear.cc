#include <arrow/api.h>

#include <cstring>

#include "components/explain/explainer.h"
#include "components/explain/features.h"
#include "components/model_format/layers.h"
#include "components/model_format/safetensors.h"
#include "components/sdk/dataset.h"
#include "components/sdk/exact_sum.h"
#include "operator/base/try.h"

namespace penstock::explain {
namespace {

// w [outputs, width] and b [outputs], of a network of one linear layer.
struct Plane {
  std::size_t outputs = 0;
  std::size_t width = 0;
  std::vector<float> weights;
  std::vector<float> constants;
};

// What may stand behind the linear layer: what turns a margin into an answer.
bool IsLink(sdk::LayerOp op) {
  return op == sdk::LayerOp::kSigmoid || op == sdk::LayerOp::kSoftmax || op == sdk::LayerOp::kExp ||
         op == sdk::LayerOp::kSqueeze;
}

bool IsOneLinearLayer(const std::vector<sdk::Layer>& layers) {
  if (layers.empty() || layers.front().op != sdk::LayerOp::kLinear) return false;
  for (std::size_t i = 1; i < layers.size(); ++i) {
    if (!IsLink(layers[i].op)) return false;
  }
  return true;
}

std::vector<float> FloatsOf(const sdk::TensorView& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(float));
  return values;
}

Result<Plane> LoadPlane(const std::string& model, const sdk::ModelManifest& manifest) {
  PENSTOCK_ASSIGN(const auto layers, sdk::LoadLayers(model + "/" + sdk::kNetworkFile));
  PENSTOCK_ASSIGN(const auto file, sdk::SafetensorsFile::Open(model + "/" + manifest.file));
  PENSTOCK_TRY(sdk::CheckLayers(layers, *file));
  const auto* weight = file->Find(layers.front().weight);
  const auto* bias = file->Find(layers.front().bias);
  if (weight->type != sdk::TensorType::kF32 ||
      (bias != nullptr && bias->type != sdk::TensorType::kF32)) {
    return Invalid(model + ": the linear layer's weights are not float32");
  }
  Plane plane;
  plane.outputs = std::size_t(weight->shape[0]);
  plane.width = std::size_t(weight->shape[1]);
  plane.weights = FloatsOf(*weight);
  plane.constants = bias != nullptr ? FloatsOf(*bias) : std::vector<float>(plane.outputs, 0.0F);
  return plane;
}

Result<std::vector<double>> MeansOf(const Features& features, const std::vector<std::string>& names,
                                    const std::string& background) {
  std::vector<sdk::ExactSum> sums(features.width());
  std::int64_t rows = 0;
  PENSTOCK_TRY(
      sdk::ForEachBatch(background, names, [&](const arrow::RecordBatch& batch) -> Result<void> {
        PENSTOCK_ASSIGN(const auto x, features.MatrixOf(batch, rows));
        for (std::size_t i = 0; i < x.rows * x.width; ++i) sums[i % x.width].Add(x.data[i]);
        rows += batch.num_rows();
        return {};
      }));
  if (rows == 0) return Invalid(background + ": no rows");
  std::vector<double> means;
  for (const auto& sum : sums) means.push_back(sum.Round() / double(rows));
  return means;
}

class LinearExplainer : public Explainer {
 public:
  LinearExplainer(Plane plane, Features features, std::vector<double> means)
      : plane_(std::move(plane)), features_(std::move(features)), means_(std::move(means)) {}

  const char* method() const override { return "linear"; }
  const char* space() const override { return "margin"; }
  std::size_t outputs() const override { return plane_.outputs; }

  Result<Explained> Explain(const arrow::RecordBatch& rows, std::int64_t first) const override {
    PENSTOCK_ASSIGN(const auto x, features_.MatrixOf(rows, first));
    const std::size_t inputs = features_.inputs();
    Explained explained;
    explained.contributions.resize(x.rows * plane_.outputs * inputs);
    std::vector<double> of_features(x.width);
    for (std::size_t i = 0; i < x.rows * plane_.outputs; ++i) {
      const float* row = x.data.get() + i / plane_.outputs * x.width;
      const float* w = plane_.weights.data() + i % plane_.outputs * x.width;
      double margin = plane_.constants[i % plane_.outputs];
      double base = margin;
      for (std::size_t f = 0; f < x.width; ++f) {
        margin += double(w[f]) * row[f];
        base += w[f] * means_[f];
        of_features[f] = w[f] * (row[f] - means_[f]);
      }
      features_.AddToInputs(of_features, explained.contributions.data() + i * inputs);
      explained.predictions.push_back(margin);
      explained.bases.push_back(base);
    }
    return explained;
  }

 private:
  Plane plane_;
  Features features_;
  std::vector<double> means_;
};

}  // namespace

bool IsLinear(const std::string& model, const sdk::ModelManifest& manifest) {
  if (manifest.backend != "safetensors") return false;
  const auto layers = sdk::LoadLayers(model + "/" + sdk::kNetworkFile);
  return layers && IsOneLinearLayer(*layers);
}

Result<std::unique_ptr<Explainer>> MakeLinearExplainer(const std::string& model,
                                                       const evaluate::ServedModel& served,
                                                       const std::string& background) {
  if (!IsLinear(model, served.manifest)) {
    return Invalid("method: linear explains a network of one linear layer, and " + model +
                   " is none; take auto");
  }
  PENSTOCK_ASSIGN(auto plane, LoadPlane(model, served.manifest));
  PENSTOCK_ASSIGN(auto features, Features::Load(model, served.manifest));
  if (plane.width != features.width()) {
    return Invalid(model + ": the linear layer takes " + std::to_string(plane.width) +
                   " features, model.yaml " + std::to_string(features.width()));
  }
  std::vector<std::string> names;
  for (const auto& input : served.manifest.inputs) names.push_back(input.name);
  PENSTOCK_ASSIGN(auto means, MeansOf(features, names, background));
  return std::unique_ptr<Explainer>(
      std::make_unique<LinearExplainer>(std::move(plane), std::move(features), std::move(means)));
}

}  // namespace penstock::explain
