#include "components/model/xgboost/explainer.h"

#include "components/model/xgboost/booster_file.h"
#include "operator/base/try.h"

namespace penstock::model {

XgboostExplainer::XgboostExplainer(const XgboostLibrary& library, XgboostHandle handle)
    : library_(&library), handle_(handle, [&library](void* h) { library.free(h); }) {}

Result<XgboostExplainer> XgboostExplainer::Load(const std::string& path) {
  PENSTOCK_ASSIGN(const auto* library, OpenXgboost());
  XgboostHandle handle = nullptr;
  if (library->create(nullptr, 0, &handle) != 0)
    return Invalid("xgboost makes no model: " + XgboostReason(*library));
  XgboostExplainer explainer(*library, handle);
  std::uint64_t features = 0;
  if (library->load(handle, path.c_str()) != 0 || library->set(handle, "nthread", "1") != 0 ||
      library->features(handle, &features) != 0) {
    return Invalid(path + " is no xgboost model that loads: " + XgboostReason(*library));
  }
  PENSTOCK_TRY(CheckTrees(*library, handle, path));
  PENSTOCK_ASSIGN(explainer.rounds_, RoundsThatCount(*library, handle, path));
  explainer.width_ = std::size_t(features);
  return explainer;
}

Result<std::vector<float>> XgboostExplainer::Predict(XgboostHandle matrix, int type,
                                                     std::vector<std::size_t>* shape) const {
  const std::string config = R"({"type": )" + std::to_string(type) +
                             R"(, "training": false, "iteration_begin": 0, "iteration_end": )" +
                             std::to_string(rounds_) + R"(, "strict_shape": true})";
  const std::uint64_t* dimensions = nullptr;
  std::uint64_t count = 0;
  const float* result = nullptr;
  if (library_->predict_matrix(handle_.get(), matrix, config.c_str(), &dimensions, &count,
                               &result) != 0) {
    return Invalid("xgboost explains no such rows: " + XgboostReason(*library_));
  }
  shape->assign(dimensions, dimensions + count);
  std::size_t size = 1;
  for (const std::size_t n : *shape) size *= n;
  return std::vector<float>(result, result + size);
}

Result<XgboostExplainer::Contributions> XgboostExplainer::Of(const float* x,
                                                             std::size_t rows) const {
  XgboostHandle made = nullptr;
  if (library_->matrix_from_dense(XgboostArray(x, rows, width_).c_str(),
                                  R"({"missing": NaN, "nthread": 1})", &made) != 0) {
    return Invalid("xgboost refuses these rows: " + XgboostReason(*library_));
  }
  const XgboostLibrary& library = *library_;
  const std::shared_ptr<void> matrix(made, [&library](void* h) { library.matrix_free(h); });
  constexpr int kMargins = 1;
  constexpr int kContributions = 2;
  Contributions contributions;
  std::vector<std::size_t> shape;
  PENSTOCK_ASSIGN(contributions.margins, Predict(made, kMargins, &shape));
  PENSTOCK_ASSIGN(contributions.values, Predict(made, kContributions, &shape));
  if (shape.size() != 3 || shape[0] != rows || shape[2] != width_ + 1 ||
      contributions.margins.size() != rows * shape[1]) {
    return Internal("xgboost gives contributions of an impossible shape");
  }
  contributions.outputs = shape[1];
  return contributions;
}

}  // namespace penstock::model
