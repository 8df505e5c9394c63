#include "components/explain/features.h"

#include <arrow/api.h>

#include "operator/base/try.h"

namespace penstock::explain {

Result<Features> Features::Load(const std::string& model, const sdk::ModelManifest& manifest) {
  PENSTOCK_ASSIGN(auto spec, sdk::LoadTransformSpec(model + "/" + sdk::kTransformFile));
  PENSTOCK_ASSIGN(auto transform, sdk::Transform::Make(std::move(spec), manifest.view));
  if (transform.width() != std::size_t(manifest.features)) {
    return Invalid(model + ": transform.json gives " + std::to_string(transform.width()) +
                   " features, model.yaml takes " + std::to_string(manifest.features));
  }
  Features features(std::move(transform));
  features.owners_.resize(features.width());
  const auto& steps = features.transform_.spec().steps;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const auto place = features.transform_.FeaturesOf(s);
    const bool cross = steps[s].op == sdk::TransformOp::kCross;
    for (std::size_t f = place.first; f < place.first + place.count; ++f) {
      features.owners_[f].push_back({steps[s].input, cross ? 0.5 : 1});
      if (cross) features.owners_[f].push_back({steps[s].other, 0.5});
    }
  }
  return features;
}

Result<sdk::FloatMatrix> Features::MatrixOf(const arrow::RecordBatch& rows,
                                            std::int64_t first) const {
  sdk::FloatMatrix x;
  x.rows = std::size_t(rows.num_rows());
  x.width = width();
  x.data = std::make_unique<float[]>(x.rows * x.width);
  PENSTOCK_TRY(sdk::ApplyBatch(transform_, rows, x.data.get(), first));
  return x;
}

void Features::AddToInputs(std::span<const double> of_features, double* of_inputs) const {
  for (std::size_t f = 0; f < owners_.size(); ++f) {
    for (const Owner& owner : owners_[f]) {
      of_inputs[owner.input] += owner.share * of_features[f];
    }
  }
}

}  // namespace penstock::explain
