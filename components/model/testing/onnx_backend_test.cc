// The models of testdata/ (make_onnx.py), run by onnxruntime; the answers are worked out by hand.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "components/model/backend.h"
#include "components/model/model_loader.h"
#include "components/model/onnx/api.h"
#include "components/model/testing/sample_model.h"
#include "components/model_format/model_artifact.h"

namespace penstock::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kTestdata = std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testing/testdata/";

class OnnxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (dlopen("libonnxruntime.so.1", RTLD_NOW) == nullptr) {
      GTEST_SKIP() << "no libonnxruntime.so.1 here: tools/install-deps wheels";
    }
    folder_ = testing::TempDir() + "onnx." + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // A folder with that file of testdata and a model.yaml of these inputs and outputs.
  Result<LoadedModel> Load(const std::string& name, const std::string& inputs,
                           const std::string& outputs, const std::string& examples = "") {
    std::filesystem::copy_file(kTestdata + name + ".onnx", folder_ + "/model.onnx",
                               std::filesystem::copy_options::overwrite_existing);
    std::ofstream(folder_ + "/model.yaml")
        << "formatVersion: 1\nname: m\nbackend: onnx\nfile: model.onnx\nbatchAxis: 0\ninputs: ["
        << inputs << "]\noutputs: [" << outputs << "]\n";
    std::ofstream(folder_ + "/examples.jsonl") << examples;
    return LoadModel(folder_);
  }
  // Why the folder does not get ready; nothing when it does.
  std::string Problem(const std::string& name, const std::string& inputs,
                      const std::string& outputs, const std::string& examples = "") {
    const auto loaded = Load(name, inputs, outputs, examples);
    if (!loaded) return loaded.error().message;
    const auto right = CheckExamples(*loaded);
    return right ? "" : right.error().message;
  }
  static std::vector<Tensor> Answer(const Model& model, std::vector<InputTensor> inputs) {
    EXPECT_TRUE(FitInputs(model.signature(), &inputs));
    return model.Present(model.Run(model.Prepare(std::move(inputs)).value()).value()).value();
  }
  static InputTensor Floats(const std::string& name, Shape shape, std::vector<float> values) {
    return {name, Datatype::kFp32, std::move(shape), std::move(values), {}};
  }

  std::string folder_;
};

const std::string kX = "{name: x, type: float32, shape: [-1, 2]}";
const std::string kX3 = "{name: x, type: float32, shape: [-1, 3]}";
const std::string kProbabilities = "{name: probabilities, type: float32, shape: [-1, 3]}";

TEST_F(OnnxTest, TheRuntimesTableIsTheOneThatIsDeclaredHere) {
  const auto& runtime = ort::OpenRuntime();
  ASSERT_TRUE(runtime) << runtime.error().message;
  EXPECT_THAT(runtime->api.version, testing::MatchesRegex("1\\.[0-9]+\\.[0-9]+"));
  EXPECT_NE(runtime->env, nullptr);
}

TEST_F(OnnxTest, AnswersALinearModel) {
  const auto loaded = Load("linear", kX3, "{name: y, type: float32, shape: [-1, 1]}",
                           R"({"inputs": {"x": [1, 2, 3]}, "outputs": {"y": [321.5]}})");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->model->platform(), "onnxruntime_onnx");
  const auto checked = CheckExamples(*loaded);
  EXPECT_TRUE(checked) << checked.error().message;
  const auto answer = Answer(*loaded->model, {Floats("x", {2, 3}, {1, 2, 3, 0, 0, -1})});
  EXPECT_EQ(answer[0].shape, (Shape{2, 1}));
  EXPECT_THAT(std::get<std::vector<float>>(answer[0].data), ElementsAre(321.5F, -99.5F));
}

TEST_F(OnnxTest, GivesOneNumberARowWhereTheFileHasAColumn) {
  const auto loaded = Load("linear", kX3, "{name: y, type: float32, shape: [-1]}",
                           R"({"inputs": {"x": [1, 2, 3]}, "outputs": {"y": 321.5}})");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto checked = CheckExamples(*loaded);
  EXPECT_TRUE(checked) << checked.error().message;
}

TEST_F(OnnxTest, AnExampleThatIsAnsweredOtherwiseIsNamed) {
  EXPECT_THAT(Problem("linear", kX3, "{name: y, type: float32, shape: [-1]}",
                      "{\"inputs\": {\"x\": [1, 2, 3]}, \"outputs\": {\"y\": 321.5}}\n"
                      "{\"inputs\": {\"x\": [1, 2, 4]}, \"outputs\": {\"y\": 321.5}}\n"),
              HasSubstr("example 2: "));
}

TEST_F(OnnxTest, AnswersTreesWithTheirLabel) {
  const auto loaded =
      Load("trees", kX, "{name: label, type: int64, shape: [-1]}, " + kProbabilities,
           R"({"inputs": {"x": [1.5, 0]}, "outputs": {"label": 0,)"
           R"( "probabilities": [0.75, 0.25, 0]}})");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto checked = CheckExamples(*loaded);
  EXPECT_TRUE(checked) << checked.error().message;
  const auto answer = Answer(*loaded->model, {Floats("x", {2, 2}, {1.5, 9, 1.75, 9})});
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(answer[0].data), ElementsAre(0, 1));
  EXPECT_THAT(std::get<std::vector<float>>(answer[1].data),
              ElementsAre(0.75F, 0.25F, 0, 0.125F, 0.625F, 0.25F));
}

TEST_F(OnnxTest, GivesOnlyTheOutputsThatModelYamlNames) {
  const auto loaded = Load("trees", kX, kProbabilities);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto answer = Answer(*loaded->model, {Floats("x", {1, 2}, {0, 0})});
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_THAT(std::get<std::vector<float>>(answer[0].data), ElementsAre(0.75F, 0.25F, 0));
}

// The file has the classes late, early and never, in that order.
TEST_F(OnnxTest, UnpacksAZipMapInTheClassesAscendingOrder) {
  const auto loaded = Load(
      "zipmap", kX, "{name: label, type: string, shape: [-1]}, " + kProbabilities,
      R"({"inputs": {"x": [0, 0]}, "outputs": {"label": "late", "probabilities": [0.25, 0.75, 0]}})");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto checked = CheckExamples(*loaded);
  EXPECT_TRUE(checked) << checked.error().message;
  const auto answer = Answer(*loaded->model, {Floats("x", {2, 2}, {0, 0, 2, 0})});
  EXPECT_THAT(std::get<std::vector<std::string>>(answer[0].data), ElementsAre("late", "early"));
  EXPECT_EQ(answer[1].shape, (Shape{2, 3}));
  EXPECT_THAT(std::get<std::vector<float>>(answer[1].data),
              ElementsAre(0.25F, 0.75F, 0, 0.625F, 0.125F, 0.25F));
}

// In another order than the file's, as one value a row, and with a text that training never saw.
TEST_F(OnnxTest, TakesTextByTheInputsNames) {
  const auto loaded = Load("text",
                           "{name: colour, type: string, shape: [-1]}, "
                           "{name: size, type: float32, shape: [-1]}",
                           "{name: y, type: float32, shape: [-1]}, "
                           "{name: same, type: string, shape: [-1, 1]}",
                           R"({"inputs": {"colour": "blue", "size": 2},)"
                           R"( "outputs": {"y": 23, "same": ["blue"]}})");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto checked = CheckExamples(*loaded);
  EXPECT_TRUE(checked) << checked.error().message;
  const std::vector<std::string_view> colours = {"red", "초록", "", "green"};
  const auto answer = Answer(*loaded->model, {{"colour", Datatype::kBytes, {4}, colours, {}},
                                              Floats("size", {4}, {0, 1, 2, 0})});
  EXPECT_THAT(std::get<std::vector<float>>(answer[0].data), ElementsAre(1, 10, 20, 2));
  EXPECT_THAT(std::get<std::vector<std::string>>(answer[1].data),
              ElementsAre("red", "초록", "", "green"));

  std::vector<InputTensor> inputs = {
      {"colour", Datatype::kBytes, {1}, std::vector<std::string_view>{{"a\0b", 3}}, {}},
      Floats("size", {1}, {0})};
  const auto refused = loaded->model->Run(loaded->model->Prepare(std::move(inputs)).value());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("input 'colour': element 0"));
}

TEST_F(OnnxTest, KeepsEveryNumbersType) {
  const auto loaded =
      Load("types",
           "{name: i, type: int32, shape: [-1]}, {name: l, type: int64, shape: [-1]}, "
           "{name: b, type: bool, shape: [-1]}, {name: d, type: float64, shape: [-1]}",
           "{name: i_same, type: int32, shape: [-1]}, {name: l_same, type: int64, shape: [-1]}, "
           "{name: b_same, type: bool, shape: [-1]}, {name: d_same, type: float64, shape: [-1]}",
           R"({"inputs": {"i": -2147483648, "l": 9007199254740993, "b": true, "d": 0.1},)"
           R"( "outputs": {"i_same": -2147483648, "l_same": 9007199254740993, "b_same": true,)"
           R"( "d_same": 0.1}})");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto checked = CheckExamples(*loaded);
  EXPECT_TRUE(checked) << checked.error().message;
  const std::int64_t large = 9'007'199'254'740'993;
  const auto answer =
      Answer(*loaded->model, {{"i", Datatype::kInt32, {1}, std::vector<std::int64_t>{-5}, {}},
                              {"l", Datatype::kInt64, {1}, std::vector<std::int64_t>{large}, {}},
                              {"b", Datatype::kBool, {1}, std::vector<std::uint8_t>{1}, {}},
                              {"d", Datatype::kFp64, {1}, std::vector<double>{0.1}, {}}});
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(answer[0].data), ElementsAre(-5));
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(answer[1].data), ElementsAre(large));
  EXPECT_THAT(std::get<std::vector<double>>(answer[3].data), ElementsAre(0.1));
}

TEST_F(OnnxTest, NamesWhatTheFileHasWhereModelYamlSaysOtherwise) {
  const std::string y = "{name: y, type: float32, shape: [-1, 1]}";
  EXPECT_THAT(Problem("linear", "{name: a, type: float32, shape: [-1, 3]}", y),
              HasSubstr("model.onnx has no 'a'; it has 'x' (float32 [-1, 3])"));
  EXPECT_THAT(Problem("linear", "{name: x, type: int64, shape: [-1, 3]}", y),
              HasSubstr("inputs[0].type: "));
  EXPECT_THAT(Problem("linear", kX, y), HasSubstr("model.yaml says [-1, 2]"));
  EXPECT_THAT(Problem("linear", kX3, "{name: y, type: float32, shape: [-1, 2]}"),
              HasSubstr("outputs[0].shape: "));
  EXPECT_THAT(Problem("text", "{name: size, type: float32, shape: [-1, 1]}", y),
              HasSubstr("model.yaml names 1 of them"));
  EXPECT_THAT(Problem("half", kX, "{name: y, type: float32, shape: [-1, 2]}"),
              HasSubstr("has 'y' (float16 [-1, 2]), model.yaml says FP32"));
}

TEST_F(OnnxTest, IsNotReadyWithAFixedNumberOfRows) {
  EXPECT_THAT(Problem("fixed", kX3, "{name: y, type: float32, shape: [-1, 1]}"),
              HasSubstr("a fixed number of rows: export it with the first dimension left open"));
}

TEST_F(OnnxTest, SaysWhatToDoWithAModelThatIsNewerThanTheRuntime) {
  const std::string y = "{name: y, type: float32, shape: [-1, 1]}";
  for (const auto& [name, what] :
       {std::pair{"newer_ir", "IR version: 99"}, {"newer_opset", "Opset 99"}}) {
    const std::string problem = Problem(name, kX3, y);
    EXPECT_THAT(problem, HasSubstr("model.onnx does not load in onnxruntime 1."));
    EXPECT_THAT(problem, HasSubstr(what));
    EXPECT_THAT(problem, HasSubstr("export it for an older version"));
    EXPECT_THAT(problem, Not(HasSubstr("onnxruntime::")));
  }
}

TEST_F(OnnxTest, RunsFunctionsOfTheFileAndRefusesTheOperatorsOfALibrary) {
  const std::string y = "{name: y, type: float32, shape: [-1, 2]}";
  EXPECT_EQ(Problem("function", kX, y, R"({"inputs": {"x": [1, 2]}, "outputs": {"y": [2, 4]}})"),
            "");
  EXPECT_THAT(Problem("custom", kX, y), HasSubstr("'Double' of the domain 'my.ops'"));
}

TEST_F(OnnxTest, SaysWhatToDoAboutALocaleThatIsNotHere) {
  EXPECT_THAT(Problem("locale", "{name: s, type: string, shape: [-1]}",
                      "{name: t, type: string, shape: [-1]}"),
              HasSubstr("export it with the locale C.UTF-8"));
}

TEST_F(OnnxTest, TakesNullsAsNaN) {
  const auto loaded = Load("linear", "{name: x, type: float32, shape: [-1, 3], nullable: true}",
                           "{name: y, type: float32, shape: [-1]}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto answer = Answer(
      *loaded->model, {{"x", Datatype::kFp32, {1, 3}, std::vector<float>{0, 0, 0}, {0, 1, 0}}});
  EXPECT_TRUE(std::isnan(std::get<std::vector<float>>(answer[0].data)[0]));
}

TEST_F(OnnxTest, WhatTheModelFailsAtIsTheInputsFault) {
  const auto loaded = Load("linear", "{name: x, type: float32, shape: [-1, -1]}",
                           "{name: y, type: float32, shape: [-1, 1]}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto refused =
      loaded->model->Run({{"", Datatype::kFp32, {1, 2}, std::vector<float>{1, 2}}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the model refuses this input: "));
}

TEST_F(OnnxTest, OtherBackEndsTakeNoText) {
  const std::string problem = Problem("text", "{name: colour, type: string, shape: [-1]}",
                                      "{name: y, type: float32, shape: [-1]}");
  EXPECT_THAT(problem, HasSubstr("model.yaml names 1 of them"));
  std::ofstream(folder_ + "/model.yaml")
      << "formatVersion: 1\nname: m\nbackend: torchscript\nfile: model.onnx\nbatchAxis: 0\n"
         "inputs: [{name: colour, type: string, shape: [-1]}]\n"
         "outputs: [{name: y, type: float32, shape: [-1]}]\n";
  const auto loaded = LoadModel(folder_);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("type string is for the back end onnx"));
}

// Behind a transform: the one output of floats, and of two classes the second.
TEST_F(OnnxTest, RunsBehindATransform) {
  WriteColumns(folder_);
  auto manifest = sdk::LoadModelManifest(folder_).value();
  ASSERT_TRUE(manifest.IsBinary());
  manifest.backend = "onnx";
  manifest.file = "model.onnx";
  ASSERT_TRUE(sdk::SaveModelManifest(folder_, manifest));
  std::filesystem::copy_file(kTestdata + "wide.onnx", folder_ + "/model.onnx");
  const auto loaded = LoadModel(folder_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  std::vector<InputTensor> inputs = {
      {"carrier", Datatype::kBytes, {2}, std::vector<std::string_view>{"UA", "AA"}, {}},
      {"distance", Datatype::kFp64, {2}, std::vector<double>{0, 0}, {1, 1}},
      {"날씨", Datatype::kBytes, {2}, std::vector<std::string_view>{"비", "비"}, {}},
      {"hour", Datatype::kInt64, {2}, std::vector<std::int64_t>{7, 7}, {}}};
  const auto answer = Answer(*loaded->model, std::move(inputs));
  EXPECT_EQ(answer[0].name, "probability");
  EXPECT_THAT(std::get<std::vector<float>>(answer[0].data), ElementsAre(0.875F, 0.875F));

  std::filesystem::copy_file(kTestdata + "types.onnx", folder_ + "/model.onnx",
                             std::filesystem::copy_options::overwrite_existing);
  const auto refused = LoadModel(folder_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("must have one input of float32"));
}

}  // namespace
}  // namespace penstock::model
