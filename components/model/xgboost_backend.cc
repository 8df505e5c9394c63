// xgboost models through libxgboost's C API (xgboost/library.h).
#include <cstdint>
#include <string>
#include <utility>

#include "components/model/backend.h"
#include "components/model/xgboost/booster_file.h"
#include "components/model/xgboost/library.h"

namespace penstock::model {
namespace {

class XgboostBackend : public Backend {
 public:
  explicit XgboostBackend(const XgboostLibrary& api) : api_(api) {}
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
    if (auto trees = CheckTrees(api_, booster_, path); !trees) return trees;
    auto rounds = RoundsThatCount(api_, booster_, path);
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
    const std::string array =
        XgboostArray(values.data(), std::size_t(inputs[0].shape[0]), std::size_t(width_));
    const std::uint64_t* shape = nullptr;
    std::uint64_t dimensions = 0;
    const float* result = nullptr;
    if (api_.predict_dense(booster_, array.c_str(), config_.c_str(), nullptr, &shape, &dimensions,
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
  [[nodiscard]] std::string Reason() const { return XgboostReason(api_); }

  const XgboostLibrary& api_;
  XgboostHandle booster_ = nullptr;
  std::int64_t width_ = 0;
  std::string config_;  // of a prediction
};

}  // namespace

Result<std::unique_ptr<Backend>> LoadXgboost(const std::string& path) {
  const auto library = OpenXgboost();
  if (!library) return library.error();
  auto backend = std::make_unique<XgboostBackend>(**library);
  if (auto loaded = backend->Load(path); !loaded) return loaded.error();
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace penstock::model
