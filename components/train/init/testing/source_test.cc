#include "components/train/init/source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

void ExpectHas(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

sdk::TransformSpec Recipe(const std::string& column, double mean,
                          sdk::ColumnType type = sdk::ColumnType::kFloat64) {
  sdk::TransformSpec spec;
  spec.inputs = {{column, type, true}};
  sdk::TransformStep step;
  step.op = sdk::TransformOp::kScale;
  step.views = Only(sdk::View::kEmbedding);
  step.mean = mean;
  spec.steps = {step};
  return spec;
}

class InitSourceTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / name, bytes));
    return folder_ / name;
  }
  // A model folder, whose weights nobody reads here.
  std::string Model(const std::string& backend, std::optional<sdk::View> view) {
    sdk::ModelManifest m;
    m.name = "first";
    m.label = "y";
    m.backend = backend;
    m.file = backend == "xgboost" ? "model.ubj" : "model.ts";
    m.view = view;
    m.inputs = {{"x", sdk::ColumnType::kFloat64, true}};
    m.features = 1;
    m.classes = {"a", "b"};
    m.outputs = sdk::StandardOutputs(m.task, m.classes);
    std::filesystem::create_directories(folder_ / "m");
    EXPECT_TRUE(sdk::SaveModelManifest(folder_ / "m", m));
    Write("m/transform.json", sdk::ToJson(Recipe("x", 3)).dump());
    Write("m/" + m.file, "PK weights");
    return folder_ / "m";
  }

  sdk::TestFolder folder_;
};

TEST_F(InitSourceTest, TellsAFileByItsBytesAndNamesItsContent) {
  const auto script = FindInit(Write("a", "PK\3\4 zip"));
  ASSERT_TRUE(script) << script.error().message;
  EXPECT_EQ(script->format, "torchscript");
  EXPECT_FALSE(script->transform);
  const auto tensors = FindInit(Write("b", std::string("\2\0\0\0\0\0\0\0{}", 10)));
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ(tensors->format, "safetensors");
  EXPECT_NE(script->digest, tensors->digest);
  ExpectHas(FindInit(Write("c", "\x80\x04pickle")).error().message,
            "is neither a TorchScript file");
  ExpectHas(FindInit(Write("d", "")).error().message, "is neither");
  ExpectHas(FindInit(folder_ / "none").error().message, "none");
  std::filesystem::create_directories(folder_ / "empty");
  ExpectHas(FindInit(folder_ / "empty").error().message, "folder without model.yaml");
}

TEST_F(InitSourceTest, TakesTheFeaturesOfAModelFromItself) {
  const auto init = FindInit(Model("torchscript", sdk::View::kEmbedding));
  ASSERT_TRUE(init) << init.error().message;
  const auto recipe = RecipeWith(*init, Recipe("x", 7));
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->steps[0].mean, 3);
  ExpectHas(RecipeWith(*init, Recipe("z", 7)).error().message,
            "takes column 'x' as a float64, and the given transform does not have it");
  ExpectHas(RecipeWith(*init, Recipe("x", 7, sdk::ColumnType::kInt64)).error().message,
            "as a int64");
  auto more = Recipe("x", 7);
  more.inputs.push_back({"z", sdk::ColumnType::kFloat64, true});
  ExpectHas(RecipeWith(*init, more).error().message, "does not take column 'z'");
}

TEST_F(InitSourceTest, AModelWithoutLayersIsRefused) {
  ExpectHas(FindInit(Model("xgboost", sdk::View::kTree)).error().message,
            "model 'first' (xgboost) is no network that train has written");
}

// Its weights were taken as if relu stood between its layers.
TEST_F(InitSourceTest, ANetworkThatBendsItsValuesByAnotherFunctionIsRefused) {
  const std::string folder = Model("safetensors", sdk::View::kEmbedding);
  const auto with = [&](const std::string& op) {
    Write("m/network.json",
          R"({"formatVersion": 1, "layers": [{"op": "features", "numbers": [0], "embeddings": []},
              {"op": "linear", "weight": "w0", "bias": "b0"}, {"op": ")" +
              op + R"("}, {"op": "linear", "weight": "w1", "bias": "b1"}]})");
    return FindInit(folder);
  };
  const auto relu = with("relu");
  EXPECT_TRUE(relu) << relu.error().message;
  for (const std::string op : {"tanh", "gelu"}) {
    const auto other = with(op);
    ASSERT_FALSE(other) << op;
    ExpectHas(other.error().message, "has " + op + " between layers");
  }
}

// Means of the label that were fitted on all rows know those of a fold's rows held out.
TEST_F(InitSourceTest, TargetMeansAreRefusedWithInit) {
  const auto init = FindInit(Write("a", "PK\3\4 zip"));
  ASSERT_TRUE(init);
  auto recipe = Recipe("x", 7);
  recipe.steps[0].op = sdk::TransformOp::kTargetEncode;
  ExpectHas(RecipeWith(*init, recipe).error().message, "column 'x' is target encoded");
}

}  // namespace
}  // namespace penstock::train
