// A model trained here by libxgboost itself, whose own answers are the truth.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>

#include "components/model/backend.h"
#include "components/model/model_loader.h"
#include "components/model/testing/sample_model.h"
#include "components/model_format/model_artifact.h"
#include "components/model_format/transform.h"

namespace penstock::model {
namespace {

using testing::HasSubstr;

template <typename F>
F Symbol(void* library, const char* name) {
  auto function = reinterpret_cast<F>(dlsym(library, name));
  EXPECT_NE(function, nullptr) << name;
  return function;
}

class XgboostTest : public testing::Test {
 protected:
  static constexpr int kRows = 500;

  void SetUp() override {
    library_ = dlopen("libxgboost.so", RTLD_NOW);
    if (library_ == nullptr) GTEST_SKIP() << "no libxgboost.so here: tools/install-deps wheels";
    folder_ = testing::TempDir() + "xgboost." + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    MakeRows(3);
  }
  void MakeRows(int features) {
    features_ = features;
    x_.clear();
    y_.clear();
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    for (int i = 0; i < kRows; ++i) {
      for (int f = 0; f < features; ++f) x_.push_back(normal(random));
      y_.push_back(x_[i * features] * x_[i * features + 1] > 0 ? 1.0F : 0.0F);
      if (i % 7 == 0) x_[i * features + 2] = std::nanf("");
    }
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // Trains, saves to `file`, gives xgboost's own answers: of `best` rounds, as scikit-learn's
  // interface does after early stopping, where it is above 0.
  std::vector<float> Train(const std::string& objective, const std::string& file, int best = 0,
                           const std::string& booster_name = "gbtree") {
    void* matrix = nullptr;
    void* booster = nullptr;
    using Make = int (*)(const float*, std::uint64_t, std::uint64_t, float, void**);
    using Info = int (*)(void*, const char*, const float*, std::uint64_t);
    using Create = int (*)(void* const*, std::uint64_t, void**);
    using Set = int (*)(void*, const char*, const char*);
    using Update = int (*)(void*, int, void*);
    using Predict = int (*)(void*, void*, int, unsigned, int, std::uint64_t*, const float**);
    using Save = int (*)(void*, const char*);
    using Free = int (*)(void*);
    EXPECT_EQ(Symbol<Make>(library_, "XGDMatrixCreateFromMat")(
                  x_.data(), kRows, std::uint64_t(features_), std::nanf(""), &matrix),
              0);
    EXPECT_EQ(Symbol<Info>(library_, "XGDMatrixSetFloatInfo")(matrix, "label", y_.data(), kRows),
              0);
    EXPECT_EQ(Symbol<Create>(library_, "XGBoosterCreate")(&matrix, 1, &booster), 0);
    const auto set = Symbol<Set>(library_, "XGBoosterSetParam");
    set(booster, "objective", objective.c_str());
    set(booster, "booster", booster_name.c_str());
    if (booster_name == "dart") set(booster, "rate_drop", "0.5");
    set(booster, "max_depth", "4");
    if (objective.starts_with("multi")) set(booster, "num_class", "2");
    const auto update = Symbol<Update>(library_, "XGBoosterUpdateOneIter");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(update(booster, i, matrix), 0);
    if (best > 0) {
      Symbol<Set>(library_, "XGBoosterSetAttr")(booster, "best_iteration",
                                                std::to_string(best - 1).c_str());
    }
    std::uint64_t count = 0;
    const float* answers = nullptr;
    EXPECT_EQ(Symbol<Predict>(library_, "XGBoosterPredict")(booster, matrix, 0, unsigned(best), 0,
                                                            &count, &answers),
              0);
    std::vector<float> truth(answers, answers + count);
    EXPECT_EQ(Symbol<Save>(library_, "XGBoosterSaveModel")(booster, (folder_ + "/" + file).c_str()),
              0);
    Symbol<Free>(library_, "XGBoosterFree")(booster);
    Symbol<Free>(library_, "XGDMatrixFree")(matrix);
    return truth;
  }

  void* library_ = nullptr;
  std::int64_t features_ = 0;
  std::string folder_;
  std::vector<float> x_;
  std::vector<float> y_;
};

TEST_F(XgboostTest, AnswersAsXgboostDoesWithMissingValuesToo) {
  const auto truth = Train("binary:logistic", "model.ubj");
  auto backend = LoadXgboost(folder_ + "/model.ubj");
  ASSERT_TRUE(backend) << backend.error().message;
  EXPECT_EQ((*backend)->width(), features_);
  const auto answer = (*backend)->Run({{"x", Datatype::kFp32, {kRows, features_}, x_}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->front().shape, (Shape{kRows}));
  EXPECT_EQ(std::get<std::vector<float>>(answer->front().data), truth);
  EXPECT_GT(*std::max_element(truth.begin(), truth.end()), 0.9F);
  EXPECT_LT(*std::min_element(truth.begin(), truth.end()), 0.1F);
}

TEST_F(XgboostTest, GivesAColumnAClass) {
  const auto truth = Train("multi:softprob", "model.json");
  auto backend = LoadXgboost(folder_ + "/model.json");
  ASSERT_TRUE(backend) << backend.error().message;
  const auto answer = (*backend)->Run({{"x", Datatype::kFp32, {kRows, features_}, x_}});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->front().shape, (Shape{kRows, 2}));
  EXPECT_EQ(std::get<std::vector<float>>(answer->front().data), truth);
}

TEST_F(XgboostTest, RefusesAnotherWidthAndAFileThatIsNoModel) {
  Train("reg:squarederror", "model.ubj");
  auto backend = LoadXgboost(folder_ + "/model.ubj");
  ASSERT_TRUE(backend) << backend.error().message;
  const auto answer = (*backend)->Run({{"x", Datatype::kFp32, {1, 2}, std::vector<float>{1, 2}}});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("[N, 3]"));
  std::ofstream(folder_ + "/bad.json") << "{\"version\": [1]}";
  backend = LoadXgboost(folder_ + "/bad.json");
  ASSERT_FALSE(backend);
  EXPECT_THAT(backend.error().message, HasSubstr("bad.json is no xgboost model that loads"));
}

// The file keeps the rounds after the best one; predict and predict_proba do not count them.
TEST_F(XgboostTest, AnswersOfTheBestIterationAfterEarlyStopping) {
  for (const char* objective : {"binary:logistic", "multi:softprob"}) {
    const auto all = Train(objective, "all.ubj");
    const auto truth = Train(objective, "model.ubj", 6);
    ASSERT_NE(truth, all);
    auto backend = LoadXgboost(folder_ + "/model.ubj");
    ASSERT_TRUE(backend) << backend.error().message;
    const auto answer = (*backend)->Run({{"x", Datatype::kFp32, {kRows, features_}, x_}});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<std::vector<float>>(answer->front().data), truth) << objective;
  }
}

TEST_F(XgboostTest, AnswersOfDartAsXgboostDoes) {
  const auto truth = Train("binary:logistic", "model.ubj", 0, "dart");
  auto backend = LoadXgboost(folder_ + "/model.ubj");
  ASSERT_TRUE(backend) << backend.error().message;
  const auto answer = (*backend)->Run({{"x", Datatype::kFp32, {kRows, features_}, x_}});
  ASSERT_TRUE(answer) << answer.error().message;
  // The trees' weights are summed in another order than XGBoosterPredict's.
  EXPECT_THAT(std::get<std::vector<float>>(answer->front().data),
              testing::Pointwise(testing::FloatNear(1e-6F), truth));
}

TEST_F(XgboostTest, RefusesGblinearWhenItIsLoaded) {
  Train("reg:squarederror", "model.json", 0, "gblinear");
  const auto backend = LoadXgboost(folder_ + "/model.json");
  ASSERT_FALSE(backend);
  EXPECT_THAT(backend.error().message, HasSubstr("model.json is a gblinear model"));
}

TEST_F(XgboostTest, RefusesAnotherWidthOrOutputShapeWhenItIsLoaded) {
  Train("multi:softprob", "model.ubj");
  const auto problem = [&](const std::string& width, const std::string& output) {
    std::ofstream(folder_ + "/model.yaml")
        << "formatVersion: 1\nname: trees\nbackend: xgboost\nfile: model.ubj\nbatchAxis: 0\n"
        << "inputs: [{name: x, type: float32, shape: [-1, " << width << "], nullable: true}]\n"
        << "outputs: [{name: p, type: float32, shape: " << output << "}]\n";
    const auto loaded = LoadModel(folder_);
    if (!loaded) return loaded.error().message;
    const auto right = CheckExamples(*loaded);
    return right ? "" : right.error().message;
  };
  EXPECT_EQ(problem("3", "[-1, 2]"), "");
  EXPECT_THAT(problem("5", "[-1, 2]"),
              HasSubstr("the network takes 3 features, model.yaml says [-1, 5]"));
  EXPECT_THAT(problem("3", "[-1]"), HasSubstr("'p' is of shape [1, 2], model.yaml says [-1]"));
}

// A null reaches the trees as NaN, their word for missing.
TEST_F(XgboostTest, IsServedFromAModelFolderWithNulls) {
  const auto truth = Train("binary:logistic", "model.ubj");
  std::ofstream(folder_ + "/model.yaml") << R"(formatVersion: 1
name: trees
backend: xgboost
file: model.ubj
batchAxis: 0
inputs: [{name: x, type: float32, shape: [-1, 3], nullable: true}]
outputs: [{name: p, type: float32, shape: [-1]}]
)";
  auto loaded = LoadModel(folder_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->model->platform(), "xgboost_ubj");
  std::vector<InputTensor> inputs = {
      {"x", Datatype::kFp32, {1, 3}, std::vector<float>{x_[0], x_[1], 0}, {0, 0, 1}}};
  auto rows = FitInputs(loaded->model->signature(), &inputs);
  ASSERT_TRUE(rows) << rows.error().message;
  auto prepared = loaded->model->Prepare(std::move(inputs));
  ASSERT_TRUE(prepared) << prepared.error().message;
  auto answer = loaded->model->Run(*prepared);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(std::get<std::vector<float>>(answer->front().data).front(), truth.front());
}

// The transform in front of it is the one that training runs.
TEST_F(XgboostTest, RunsBehindATransform) {
  WriteColumns(folder_);
  auto manifest = sdk::LoadModelManifest(folder_).value();
  MakeRows(int(manifest.features));
  Train("binary:logistic", "model.ubj");
  manifest.backend = "xgboost";
  manifest.file = "model.ubj";
  ASSERT_TRUE(sdk::SaveModelManifest(folder_, manifest));
  const auto transform =
      sdk::Transform::Make(sdk::LoadTransformSpec(folder_ + "/transform.json").value()).value();
  const std::vector<sdk::Cell> row = {std::string_view("UA"), sdk::Cell(), std::string_view("비"),
                                      std::int64_t{7}};
  std::vector<float> features(transform.width());
  ASSERT_TRUE(transform.ApplyRow(row, features.data()));
  const auto direct = LoadXgboost(folder_ + "/model.ubj")
                          .value()
                          ->Run({{"", Datatype::kFp32, {1, features_}, features}});

  const auto loaded = LoadModel(folder_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Model& model = *loaded->model;
  std::vector<InputTensor> inputs = {
      {"carrier", Datatype::kBytes, {1}, std::vector<std::string_view>{"UA"}, {}},
      {"distance", Datatype::kFp64, {1}, std::vector<double>{0}, {1}},
      {"날씨", Datatype::kBytes, {1}, std::vector<std::string_view>{"비"}, {}},
      {"hour", Datatype::kInt64, {1}, std::vector<std::int64_t>{7}, {}}};
  ASSERT_TRUE(FitInputs(model.signature(), &inputs));
  const auto outputs =
      model.Present(model.Run(model.Prepare(std::move(inputs)).value()).value()).value();
  EXPECT_EQ(outputs[0].name, "probability");
  EXPECT_EQ(std::get<std::vector<float>>(outputs[0].data),
            std::get<std::vector<float>>(direct.value()[0].data));
}

TEST_F(XgboostTest, MustTakeWhatTheTransformMakes) {
  WriteColumns(folder_);
  auto manifest = sdk::LoadModelManifest(folder_).value();
  Train("binary:logistic", "model.ubj");
  manifest.backend = "xgboost";
  manifest.file = "model.ubj";
  ASSERT_TRUE(sdk::SaveModelManifest(folder_, manifest));
  const auto loaded = LoadModel(folder_);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("the network takes 3 features"));
}

}  // namespace
}  // namespace penstock::model
