// xgboost models through libxgboost's C API. The library is loaded with the first such model, so
// that a server of other models neither needs nor pays for it. Declared here is what we call of
// xgboost/c_api.h, stable since 1.7.
#include <dlfcn.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "components/model/backend.h"
#include "operator/base/json.h"

namespace penstock::model {
namespace {

using Booster = void*;

struct Api {
  void* library = nullptr;
  const char* (*last_error)() = nullptr;
  int (*create)(const void* const*, std::uint64_t, Booster*) = nullptr;
  int (*free)(Booster) = nullptr;
  int (*load)(Booster, const char*) = nullptr;
  int (*set)(Booster, const char*, const char*) = nullptr;
  int (*features)(Booster, std::uint64_t*) = nullptr;
  int (*attribute)(Booster, const char* key, const char** value, int* there) = nullptr;
  int (*config)(Booster, std::uint64_t* size, const char** json) = nullptr;
  int (*predict)(Booster, const char* array, const char* config, void* proxy,
                 const std::uint64_t** shape, std::uint64_t* dimensions,
                 const float** result) = nullptr;
};

template <typename F>
bool Resolve(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  return *function != nullptr;
}

Result<Api> LoadApi() {
  Api api;
  // found by this program's RUNPATH, LD_LIBRARY_PATH or the system's folders
  api.library = dlopen("libxgboost.so", RTLD_NOW | RTLD_LOCAL);
  if (api.library == nullptr) {
    return Invalid(std::string("the back end xgboost needs libxgboost.so, which is not here "
                               "(tools/install-deps wheels fetches it): ") +
                   dlerror());
  }
  void* l = api.library;
  if (!Resolve(l, "XGBGetLastError", &api.last_error) ||
      !Resolve(l, "XGBoosterCreate", &api.create) || !Resolve(l, "XGBoosterFree", &api.free) ||
      !Resolve(l, "XGBoosterLoadModel", &api.load) || !Resolve(l, "XGBoosterSetParam", &api.set) ||
      !Resolve(l, "XGBoosterGetNumFeature", &api.features) ||
      !Resolve(l, "XGBoosterGetAttr", &api.attribute) ||
      !Resolve(l, "XGBoosterSaveJsonConfig", &api.config) ||
      !Resolve(l, "XGBoosterPredictFromDense", &api.predict)) {
    return Invalid("libxgboost.so is too old: version 1.7 or newer is needed");
  }
  return api;
}

class XgboostBackend : public Backend {
 public:
  explicit XgboostBackend(Api api) : api_(api) {}
  ~XgboostBackend() override {
    if (booster_ != nullptr) api_.free(booster_);
  }
  XgboostBackend(const XgboostBackend&) = delete;
  XgboostBackend& operator=(const XgboostBackend&) = delete;

  Result<void> Load(const std::string& path) {
    std::uint64_t features = 0;
    // one thread a call: the server runs calls side by side
    if (api_.create(nullptr, 0, &booster_) != 0 || api_.load(booster_, path.c_str()) != 0 ||
        api_.set(booster_, "nthread", "1") != 0 || api_.features(booster_, &features) != 0) {
      return Invalid(path + " is no xgboost model that loads: " + Reason());
    }
    width_ = static_cast<std::int64_t>(features);
    if (auto trees = CheckTrees(path); !trees) return trees;
    auto rounds = BestRounds(path);
    if (!rounds) return rounds.error();
    // type 0: the objective's answer; missing: NaN; the rounds that count, 0: all
    config_ = R"({"type": 0, "missing": NaN, "iteration_begin": 0, "iteration_end": )" +
              std::to_string(*rounds) + R"(, "strict_shape": false})";
    return {};
  }

  std::string platform() const override { return "xgboost_ubj"; }
  std::int64_t width() const override { return width_; }

  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) const override {
    if (inputs.size() != 1 || inputs[0].datatype != Datatype::kFp32 ||
        inputs[0].shape.size() != 2 || inputs[0].shape[1] != width_) {
      return Invalid("an xgboost model takes one FP32 input of [N, " + std::to_string(width_) +
                     "]");
    }
    const auto& values = std::get<std::vector<float>>(inputs[0].data);
    // NumPy's array interface
    const std::string array = R"({"version": 3, "typestr": "<f4", "data": [)" +
                              std::to_string(reinterpret_cast<std::uintptr_t>(values.data())) +
                              R"(, true], "shape": [)" + std::to_string(inputs[0].shape[0]) + ", " +
                              std::to_string(width_) + "]}";
    const std::uint64_t* shape = nullptr;
    std::uint64_t dimensions = 0;
    const float* result = nullptr;
    if (api_.predict(booster_, array.c_str(), config_.c_str(), nullptr, &shape, &dimensions,
                     &result) != 0) {
      return Invalid("the model refuses this input: " + Reason());
    }
    Tensor answer;
    answer.shape.assign(shape, shape + dimensions);
    const auto count = ElementCount(answer.shape);
    if (!count) return Internal("the model answered an impossible shape");
    answer.data = std::vector<float>(result, result + *count);  // `result` is this thread's until
    return std::vector<Tensor>{std::move(answer)};              // its next call
  }

 private:
  Result<void> CheckTrees(const std::string& path) const {
    std::uint64_t size = 0;
    const char* text = nullptr;
    if (api_.config(booster_, &size, &text) != 0)
      return Invalid(path + " does not tell what it is: " + Reason());
    const auto config = ParseJson({text, size}, path);
    if (!config) return config.error();
    const Json::json_pointer booster("/learner/gradient_booster/name");
    if (!config->contains(booster) || config->at(booster) != "gblinear") return {};
    return Invalid(
        path +
        " is a gblinear model, which is not run here: train with booster gbtree or dart, "
        "or bring its weights as a linear layer of the back end safetensors");
  }

  // After early stopping a file keeps the rounds beyond the best one, and names that one. What
  // counts is what scikit-learn's interface counts: predict and predict_proba of its author.
  Result<int> BestRounds(const std::string& path) const {
    const char* best = nullptr;
    int there = 0;
    if (api_.attribute(booster_, "best_iteration", &best, &there) != 0)
      return Invalid(path + ": its attributes cannot be read: " + Reason());
    if (there == 0) return 0;
    const std::string_view text = best;
    int round = -1;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), round);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || round < 0 ||
        round == std::numeric_limits<int>::max()) {
      return Invalid(path + ": its attribute best_iteration is '" + std::string(text) +
                     "', which is no round");
    }
    return round + 1;
  }

  [[nodiscard]] std::string Reason() const {
    std::string text = api_.last_error();
    const std::size_t stack = text.find("\nStack trace");
    if (stack != std::string::npos) text.resize(stack);
    for (char& c : text) c = c == '\n' ? ' ' : c;
    return text;
  }

  const Api api_;
  Booster booster_ = nullptr;
  std::int64_t width_ = 0;
  std::string config_;  // of a prediction
};

}  // namespace

Result<std::unique_ptr<Backend>> LoadXgboost(const std::string& path) {
  static const Result<Api> kApi = LoadApi();
  if (!kApi) return kApi.error();
  auto backend = std::make_unique<XgboostBackend>(*kApi);
  if (auto loaded = backend->Load(path); !loaded) return loaded.error();
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace penstock::model
