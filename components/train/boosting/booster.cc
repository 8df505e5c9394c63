#include "components/train/boosting/booster.h"

#include <charconv>
#include <utility>

namespace penstock::train {
namespace {

using model::XgboostHandle;
using model::XgboostLibrary;

// type 0: the objective's answer; iteration_end 0: all rounds
constexpr const char* kPredict = R"({"type": 0, "training": false, "iteration_begin": 0,
  "iteration_end": 0, "missing": NaN, "strict_shape": false})";

Error Failed(const XgboostLibrary& library, const std::string& what) {
  return Invalid("xgboost " + what + ": " + model::XgboostReason(library));
}

// xgboost asks for the rows batch by batch: there is one.
struct OneBatch {
  const XgboostLibrary* library;
  XgboostHandle proxy;
  std::string array;
  bool given = false;

  static void Reset(void* self) { static_cast<OneBatch*>(self)->given = false; }
  static int Next(void* self) {
    auto* batch = static_cast<OneBatch*>(self);
    if (batch->given) return 0;
    batch->given = batch->library->proxy_set_dense(batch->proxy, batch->array.c_str()) == 0;
    return batch->given ? 1 : 0;
  }
};

Result<void> SetTypesOf(const XgboostLibrary& library, XgboostHandle matrix,
                        std::span<const sdk::Feature> features) {
  std::vector<const char*> types;
  types.reserve(features.size());
  for (const sdk::Feature& feature : features) types.push_back(feature.cardinality > 0 ? "c" : "q");
  if (library.matrix_set_texts(matrix, "feature_type", types.data(), types.size()) != 0)
    return Failed(library, "refuses the features' types");
  return {};
}

std::vector<float> Taken(const std::uint64_t* shape, std::uint64_t dimensions,
                         const float* result) {
  std::uint64_t count = 1;
  for (std::uint64_t i = 0; i < dimensions; ++i) count *= shape[i];
  return {result, result + count};
}

}  // namespace

BoosterMatrix::BoosterMatrix(const XgboostLibrary& library, XgboostHandle handle)
    : library_(&library), handle_(handle, [&library](void* h) { library.matrix_free(h); }) {}

Result<BoosterMatrix> BoosterMatrix::Quantile(const XgboostLibrary& library,
                                              const sdk::FloatMatrix& x,
                                              std::span<const sdk::Feature> features, int bins,
                                              int threads) {
  XgboostHandle proxy = nullptr;
  if (library.proxy_create(&proxy) != 0) return Failed(library, "makes no matrix");
  const BoosterMatrix owner(library, proxy);
  if (auto set = SetTypesOf(library, proxy, features); !set) return set.error();
  OneBatch batch{&library, proxy, model::XgboostArray(x.data.get(), x.rows, x.width)};
  const std::string config = R"({"missing": NaN, "nthread": )" + std::to_string(threads) +
                             R"(, "max_bin": )" + std::to_string(bins) + "}";
  XgboostHandle handle = nullptr;
  if (library.quantile_matrix(&batch, proxy, nullptr, OneBatch::Reset, OneBatch::Next,
                              config.c_str(), &handle) != 0)
    return Failed(library, "refuses these rows");
  return BoosterMatrix(library, handle);
}

Result<BoosterMatrix> BoosterMatrix::Dense(const XgboostLibrary& library, const sdk::FloatMatrix& x,
                                           std::span<const sdk::Feature> features, int threads) {
  const std::string config = R"({"missing": NaN, "nthread": )" + std::to_string(threads) + "}";
  XgboostHandle handle = nullptr;
  if (library.matrix_from_dense(model::XgboostArray(x.data.get(), x.rows, x.width).c_str(),
                                config.c_str(), &handle) != 0)
    return Failed(library, "refuses these rows");
  BoosterMatrix matrix(library, handle);
  if (auto set = SetTypesOf(library, handle, features); !set) return set.error();
  return matrix;
}

Result<void> BoosterMatrix::Set(const char* field, std::span<const float> values) {
  if (library_->matrix_set_floats(handle(), field, values.data(), values.size()) != 0)
    return Failed(*library_, std::string("refuses the rows' ") + field);
  return {};
}

Booster::Booster(const XgboostLibrary& library, XgboostHandle handle)
    : library_(&library), handle_(handle, [&library](void* h) { library.free(h); }) {}

Result<Booster> Booster::Make(const XgboostLibrary& library,
                              const std::map<std::string, std::string>& parameters,
                              std::span<const XgboostHandle> matrices, std::string_view model) {
  XgboostHandle handle = nullptr;
  if (library.create(matrices.data(), matrices.size(), &handle) != 0)
    return penstock::train::Failed(library, "makes no model");
  Booster booster(library, handle);
  if (!model.empty() && library.load_bytes(handle, model.data(), model.size()) != 0)
    return booster.Failed("does not load its own model");
  for (const auto& [name, value] : parameters) {
    if (library.set(handle, name.c_str(), value.c_str()) != 0)
      return booster.Failed(("refuses " + name + " = " + value).c_str());
  }
  return booster;
}

Result<void> Booster::Update(int round, const BoosterMatrix& train) {
  if (library_->update(handle_.get(), round, train.handle()) != 0) return Failed("does not learn");
  return {};
}

Result<std::vector<float>> Booster::Answer(const BoosterMatrix& matrix) const {
  const std::uint64_t* shape = nullptr;
  std::uint64_t dimensions = 0;
  const float* result = nullptr;
  if (library_->predict_matrix(handle_.get(), matrix.handle(), kPredict, &shape, &dimensions,
                               &result) != 0)
    return Failed("does not answer");
  return Taken(shape, dimensions, result);
}

Result<std::vector<float>> Booster::Answer(const sdk::FloatMatrix& x) const {
  const std::uint64_t* shape = nullptr;
  std::uint64_t dimensions = 0;
  const float* result = nullptr;
  if (library_->predict_dense(handle_.get(),
                              model::XgboostArray(x.data.get(), x.rows, x.width).c_str(), kPredict,
                              nullptr, &shape, &dimensions, &result) != 0)
    return Failed("does not answer");
  return Taken(shape, dimensions, result);
}

Result<void> Booster::SetAttribute(const char* key, const std::string& value) {
  if (library_->set_attribute(handle_.get(), key, value.c_str()) != 0)
    return Failed("takes no attribute");
  return {};
}

Result<int> Booster::Rounds() const {
  int rounds = 0;
  if (library_->rounds(handle_.get(), &rounds) != 0) return Failed("does not tell its rounds");
  return rounds;
}

Result<std::string> Booster::Save() const {
  std::uint64_t size = 0;
  const char* bytes = nullptr;
  if (library_->save_bytes(handle_.get(), R"({"format": "ubj"})", &size, &bytes) != 0)
    return Failed("does not save its model");
  return std::string(bytes, size);
}

Result<std::vector<double>> Booster::TotalGain(std::size_t features) const {
  std::uint64_t count = 0;
  const char** names = nullptr;
  std::uint64_t dimensions = 0;
  const std::uint64_t* shape = nullptr;
  const float* scores = nullptr;
  if (library_->feature_scores(handle_.get(), R"({"importance_type": "total_gain"})", &count,
                               &names, &dimensions, &shape, &scores) != 0)
    return Failed("does not tell its features' gains");
  std::vector<double> gain(features, 0.0);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view name = names[i];  // "f12"
    std::size_t feature = features;
    std::from_chars(name.data() + 1, name.data() + name.size(), feature);
    if (feature >= features)
      return Internal("xgboost names a feature " + std::string(name) + ", which is not there");
    gain[feature] = double(scores[i]);
  }
  return gain;
}

Error Booster::Failed(const char* what) const { return penstock::train::Failed(*library_, what); }

}  // namespace penstock::train
