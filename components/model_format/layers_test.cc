#include "components/model_format/layers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "operator/base/json.h"

namespace penstock::sdk {
namespace {

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

Json Network(const std::string& layers) {
  return {{"formatVersion", 1}, {"layers", Json::parse(layers)}};
}

std::string ProblemOf(const std::string& layers) {
  const auto parsed = ParseLayers(Network(layers), "network.json");
  return parsed ? "" : parsed.error().message;
}

// Weights e [10, 3], w [4, 5], b [4], v [1, 4], w3 [2, 3, 2], b6 [6], w0 [2, 0, 2], i (integers).
std::shared_ptr<const SafetensorsFile> Weights() {
  static const std::vector<float> zeros(64);
  const auto view = [](std::vector<std::int64_t> shape) {
    std::size_t n = 1;
    for (const auto dim : shape) n *= std::size_t(dim);
    return TensorView{TensorType::kF32, std::move(shape),
                      std::as_bytes(std::span(zeros.data(), n))};
  };
  const std::string path =
      ::testing::TempDir() + "layers." + std::to_string(getpid()) + ".safetensors";
  TensorView integers = view({8});
  integers.type = TensorType::kI32;
  EXPECT_TRUE(WriteSafetensors(path,
                               {{"e", view({10, 3})},
                                {"w", view({4, 5})},
                                {"b", view({4})},
                                {"v", view({1, 4})},
                                {"w3", view({2, 3, 2})},
                                {"b6", view({6})},
                                {"w0", view({2, 0, 2})},
                                {"i", integers}},
                               {}));
  auto file = SafetensorsFile::Open(path);
  std::filesystem::remove(path);
  return file.value();
}

std::string Misfit(const std::string& layers) {
  const auto parsed = ParseLayers(Network(layers), "network.json");
  EXPECT_TRUE(parsed) << parsed.error().message;
  const auto shape = CheckLayers(*parsed, *Weights());
  return shape ? "" : shape.error().message;
}

constexpr const char* kGood = R"([
  {"op": "features", "numbers": [0, 7], "embeddings": [{"feature": 2, "weight": "e"}]},
  {"op": "linear", "weight": "w", "bias": "b"}, {"op": "relu"},
  {"op": "linear", "weight": "v"}, {"op": "affine", "scale": 2.5, "offset": -1}, {"op": "squeeze"}])";

TEST(Layers, AreWrittenAsTheyAreRead) {
  const auto layers = ParseLayers(Network(kGood), "x");
  ASSERT_TRUE(layers) << layers.error().message;
  EXPECT_EQ(ParseLayers(ToJson(*layers), "x").value(), *layers);
  EXPECT_EQ(layers->size(), 6U);
  EXPECT_EQ((*layers)[4].scale, 2.5);
}

TEST(Layers, KnowWhatTheyTakeAndGive) {
  const auto shape = CheckLayers(ParseLayers(Network(kGood), "x").value(), *Weights());
  ASSERT_TRUE(shape) << shape.error().message;
  EXPECT_EQ(shape->inputs, 8);
  EXPECT_EQ(shape->outputs, 1);
  EXPECT_TRUE(shape->flat);
}

// The linear layer w [4, 5], then w3 [2, 3, 2]: two groups of two values to two groups of three.
TEST(Layers, OfGroupsTakeAndGiveAllGroupsValues) {
  const auto layers = ParseLayers(Network(R"([{"op": "linear", "weight": "w"},
      {"op": "groupedLinear", "weight": "w3", "bias": "b6"}, {"op": "exp"}])"),
                                  "x");
  ASSERT_TRUE(layers) << layers.error().message;
  EXPECT_EQ(ParseLayers(ToJson(*layers), "x").value(), *layers);
  const auto shape = CheckLayers(*layers, *Weights());
  ASSERT_TRUE(shape) << shape.error().message;
  EXPECT_EQ(shape->inputs, 5);
  EXPECT_EQ(shape->outputs, 6);
  EXPECT_HAS(ProblemOf(R"([{"op": "groupedLinear"}])"), "layers[0].weight");
  EXPECT_HAS(Misfit(R"([{"op": "groupedLinear", "weight": "w"}])"), "3 dimensions");
  EXPECT_HAS(
      Misfit(R"([{"op": "linear", "weight": "v"}, {"op": "groupedLinear", "weight": "w3"}])"),
      "takes 2 groups of 2 values, the layer before gives 1");
  EXPECT_HAS(Misfit(R"([{"op": "groupedLinear", "weight": "w3", "bias": "b"}])"),
             "'b' must have 6 values");
  EXPECT_HAS(Misfit(R"([{"op": "groupedLinear", "weight": "w0"}])"), "is empty or too large");
}

TEST(Layers, AreRefusedByNumber) {
  EXPECT_HAS(ProblemOf(R"([{"op": "relu"}, {"op": "conv"}])"), "layers[1].op 'conv'");
  EXPECT_HAS(ProblemOf(R"([7])"), "layers[0] must be an object");
  EXPECT_HAS(ProblemOf(R"([])"), "1 to 1000");
  EXPECT_HAS(ProblemOf(R"([{"op": "linear"}])"), "layers[0].weight");
  EXPECT_HAS(ProblemOf(R"([{"op": "affine", "scale": "2"}])"), "layers[0].scale");
  EXPECT_HAS(ProblemOf(R"([{"op": "features", "numbers": [-1]}])"), "layers[0].numbers");
  EXPECT_HAS(ProblemOf(R"([{"op": "features"}])"), "takes no feature");
  EXPECT_HAS(ProblemOf(R"([{"op": "features", "embeddings": [{"feature": 1}]}])"), "embeddings");
  const auto version = ParseLayers(Json{{"layers", Json::array()}}, "network.json");
  ASSERT_FALSE(version);
  EXPECT_HAS(version.error().message, "formatVersion");
}

TEST(Layers, MustFitTheirWeights) {
  EXPECT_HAS(Misfit(R"([{"op": "linear", "weight": "gone"}])"), "'gone', which is missing");
  EXPECT_HAS(Misfit(R"([{"op": "linear", "weight": "b"}])"), "2 dimensions");
  EXPECT_HAS(Misfit(R"([{"op": "linear", "weight": "w", "bias": "i"}])"), "must hold floats");
  EXPECT_HAS(Misfit(R"([{"op": "linear", "weight": "w"}, {"op": "linear", "weight": "w"}])"),
             "layers[1]: tensor 'w' takes 5 values, the layer before gives 4");
  EXPECT_HAS(Misfit(R"([{"op": "linear", "weight": "v", "bias": "b"}])"), "must have 1 values");
  EXPECT_HAS(Misfit(R"([{"op": "linear", "weight": "w"}, {"op": "squeeze"}])"), "squeeze");
  EXPECT_HAS(Misfit(R"([{"op": "relu"}, {"op": "features", "numbers": [0]}])"), "first");
}

}  // namespace
}  // namespace penstock::sdk
