#include "components/model/xgboost/library.h"

#include <dlfcn.h>

namespace penstock::model {
namespace {

template <typename F>
bool Resolve(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  return *function != nullptr;
}

}  // namespace

Result<XgboostLibrary> LoadXgboostLibrary(const char* name) {
  void* l = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (l == nullptr) {
    return Invalid(std::string("xgboost needs libxgboost.so, which is not here "
                               "(tools/install-deps wheels fetches it): ") +
                   dlerror());
  }
  XgboostLibrary x;
  const bool all =
      Resolve(l, "XGBGetLastError", &x.last_error) &&
      Resolve(l, "XGDMatrixCreateFromDense", &x.matrix_from_dense) &&
      Resolve(l, "XGProxyDMatrixCreate", &x.proxy_create) &&
      Resolve(l, "XGProxyDMatrixSetDataDense", &x.proxy_set_dense) &&
      Resolve(l, "XGQuantileDMatrixCreateFromCallback", &x.quantile_matrix) &&
      Resolve(l, "XGDMatrixSetFloatInfo", &x.matrix_set_floats) &&
      Resolve(l, "XGDMatrixSetStrFeatureInfo", &x.matrix_set_texts) &&
      Resolve(l, "XGDMatrixFree", &x.matrix_free) && Resolve(l, "XGBoosterCreate", &x.create) &&
      Resolve(l, "XGBoosterFree", &x.free) && Resolve(l, "XGBoosterLoadModel", &x.load) &&
      Resolve(l, "XGBoosterLoadModelFromBuffer", &x.load_bytes) &&
      Resolve(l, "XGBoosterSaveModelToBuffer", &x.save_bytes) &&
      Resolve(l, "XGBoosterSetParam", &x.set) && Resolve(l, "XGBoosterSetAttr", &x.set_attribute) &&
      Resolve(l, "XGBoosterGetAttr", &x.attribute) &&
      Resolve(l, "XGBoosterGetNumFeature", &x.features) &&
      Resolve(l, "XGBoosterBoostedRounds", &x.rounds) &&
      Resolve(l, "XGBoosterSaveJsonConfig", &x.config) &&
      Resolve(l, "XGBoosterUpdateOneIter", &x.update) &&
      Resolve(l, "XGBoosterPredictFromDMatrix", &x.predict_matrix) &&
      Resolve(l, "XGBoosterPredictFromDense", &x.predict_dense) &&
      Resolve(l, "XGBoosterFeatureScore", &x.feature_scores);
  if (!all) {
    dlclose(l);
    return Invalid(
        "libxgboost.so is too old: version 2.0 or newer is needed (tools/install-deps wheels "
        "fetches it)");
  }
  return x;
}

Result<const XgboostLibrary*> OpenXgboost() {
  static const Result<XgboostLibrary> kLibrary = LoadXgboostLibrary("libxgboost.so");
  if (!kLibrary) return kLibrary.error();
  return &*kLibrary;
}

std::string XgboostReason(const XgboostLibrary& library) {
  std::string text = library.last_error();
  const std::size_t stack = text.find("\nStack trace");
  if (stack != std::string::npos) text.resize(stack);
  for (char& c : text) c = c == '\n' ? ' ' : c;
  return text;
}

std::string XgboostArray(const float* data, std::size_t rows, std::size_t width) {
  return R"({"version": 3, "typestr": "<f4", "data": [)" +
         std::to_string(reinterpret_cast<std::uintptr_t>(data)) + R"(, true], "shape": [)" +
         std::to_string(rows) + ", " + std::to_string(width) + "]}";
}

}  // namespace penstock::model
