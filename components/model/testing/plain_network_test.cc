// The plain executor of small networks against LibTorch's, on the same files.
#include "components/model/plain_network.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

#include "components/model/backend.h"
#include "components/model/layer_network.h"
#include "components/model/model_loader.h"
#include "components/model/testing/sample_model.h"
#include "operator/base/file.h"
#include "operator/base/json.h"

namespace penstock::model {
namespace {

using sdk::Layer;
using sdk::LayerOp;
using testing::HasSubstr;

constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();

class PlainNetworkTest : public testing::Test {
 protected:
  PlainNetworkTest() : folder_(testing::TempDir() + "plain." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~PlainNetworkTest() override { std::filesystem::remove_all(folder_); }

  // Random weights by name; `type`: what the file holds them as.
  void Write(const std::vector<Layer>& layers,
             const std::map<std::string, std::vector<std::int64_t>>& weights,
             at::ScalarType type = at::kFloat) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/network.json", ToJson(layers).dump()));
    std::map<std::string, at::Tensor> kept;
    std::map<std::string, sdk::TensorView> views;
    at::manual_seed(7);
    for (const auto& [name, shape] : weights) {
      const at::Tensor& values = kept[name] =
          (at::randn(shape) / std::sqrt(double(shape.back()))).to(type);
      const sdk::TensorType as = type == at::kDouble     ? sdk::TensorType::kF64
                                 : type == at::kHalf     ? sdk::TensorType::kF16
                                 : type == at::kBFloat16 ? sdk::TensorType::kBf16
                                                         : sdk::TensorType::kF32;
      views[name] = {as,
                     shape,
                     {static_cast<const std::byte*>(values.data_ptr()),
                      static_cast<std::size_t>(values.nbytes())}};
    }
    ASSERT_TRUE(sdk::WriteSafetensors(folder_ + "/weights.safetensors", views, {}));
  }

  PlainNetwork Plain() const {
    auto loaded = PlainNetwork::Load(folder_, "weights.safetensors", kAny);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return **std::move(loaded);
  }

  // Both executors give the same, within float32's rounding of sums.
  void ExpectAgreement(const Tensor& x) const {
    const auto plain = Plain().Run(x);
    ASSERT_TRUE(plain) << plain.error().message;
    const auto network = LayerNetwork::Load(folder_, "weights.safetensors");
    ASSERT_TRUE(network) << network.error().message;
    const auto& values = std::get<std::vector<float>>(x.data);
    const at::Tensor truth =
        network->Run(at::from_blob(const_cast<float*>(values.data()), x.shape, at::kFloat))
            .contiguous();
    EXPECT_EQ(plain->shape, Shape(truth.sizes().begin(), truth.sizes().end()));
    const auto& got = std::get<std::vector<float>>(plain->data);
    ASSERT_EQ(got.size(), std::size_t(truth.numel()));
    for (std::size_t i = 0; i < got.size(); ++i) {
      const float want = truth.const_data_ptr<float>()[i];
      if (!std::isfinite(want)) {
        EXPECT_TRUE(got[i] == want || (std::isnan(got[i]) && std::isnan(want))) << i;
      } else {
        EXPECT_NEAR(got[i], want, 1e-6 + 1e-6 * std::abs(want)) << i;
      }
    }
  }

  static Tensor Rows(std::int64_t rows, std::int64_t width, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(std::size_t(rows * width));
    for (float& value : values) value = normal(random);
    return {"x", Datatype::kFp32, {rows, width}, std::move(values)};
  }
  static Layer Linear(const std::string& weight, const std::string& bias = "") {
    Layer layer;
    layer.op = LayerOp::kLinear;
    layer.weight = weight;
    layer.bias = bias;
    return layer;
  }
  static Layer Op(LayerOp op) {
    Layer layer;
    layer.op = op;
    return layer;
  }

  const std::string folder_;
};

TEST_F(PlainNetworkTest, AnswersEveryActivationAsLibTorchDoes) {
  for (const LayerOp op : {LayerOp::kRelu, LayerOp::kTanh, LayerOp::kGelu, LayerOp::kSigmoid,
                           LayerOp::kExp, LayerOp::kSoftmax}) {
    Write({Linear("a", "b"), Op(op), Linear("c")}, {{"a", {32, 20}}, {"b", {32}}, {"c", {3, 32}}});
    for (const std::int64_t rows : {1, 5, 64}) {
      SCOPED_TRACE(std::string(Name(op)) + " of rows " + std::to_string(rows));
      ExpectAgreement(Rows(rows, 20));
    }
  }
}

TEST_F(PlainNetworkTest, AnswersANetworkOfAllLayersAsLibTorchDoes) {
  Layer features = Op(LayerOp::kFeatures);
  features.numbers = {3, 0};
  features.embeddings = {{1, "e"}, {2, "f"}};
  Layer affine = Op(LayerOp::kAffine);
  affine.scale = 2.5;
  affine.offset = -0.25;
  const std::vector<Layer> layers = {features,         Linear("a", "b"), Op(LayerOp::kRelu),
                                     Linear("c", "d"), affine,           Op(LayerOp::kSqueeze)};
  const std::map<std::string, std::vector<std::int64_t>> weights = {
      {"e", {5, 3}}, {"f", {2, 4}}, {"a", {16, 9}}, {"b", {16}}, {"c", {1, 16}}, {"d", {1}}};
  const Tensor x{"x",
                 Datatype::kFp32,
                 {3, 4},
                 std::vector<float>{0.5F, 4, 1, -2,  //
                                    1, 0, 0, 3,      //
                                    -1, 2, 1, 0}};
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    SCOPED_TRACE(at::toString(type));
    Write(layers, weights, type);
    ExpectAgreement(x);
  }
}

TEST_F(PlainNetworkTest, AnswersNetworksSideBySideAsLibTorchDoes) {
  Layer grouped = Linear("b", "c");
  grouped.op = LayerOp::kGroupedLinear;
  Layer affine = Op(LayerOp::kAffine);
  affine.scale = 0.05;  // exp of large sums would show their rounding
  Write({Linear("a"), Op(LayerOp::kRelu), grouped, affine, Op(LayerOp::kExp)},
        {{"a", {12, 5}}, {"b", {3, 7, 4}}, {"c", {21}}});
  for (const std::int64_t rows : {1, 5, 64}) {
    SCOPED_TRACE(rows);
    ExpectAgreement(Rows(rows, 5));
  }
  EXPECT_EQ(Plain().shape().outputs, 21);
}

TEST_F(PlainNetworkTest, CountsTheWorkOfNetworksSideBySide) {
  Layer grouped = Linear("b");
  grouped.op = LayerOp::kGroupedLinear;
  Write({grouped}, {{"b", {3, 7, 4}}});
  EXPECT_TRUE(PlainNetwork::Load(folder_, "weights.safetensors", 84)->has_value());
  EXPECT_FALSE(PlainNetwork::Load(folder_, "weights.safetensors", 83)->has_value());
}

TEST_F(PlainNetworkTest, KeepsNaNAndInfinity) {
  Write({Linear("a", "b"), Op(LayerOp::kRelu), Linear("c")},
        {{"a", {4, 2}}, {"b", {4}}, {"c", {2, 4}}});
  const float inf = std::numeric_limits<float>::infinity();
  ExpectAgreement({"x", Datatype::kFp32, {2, 2}, std::vector<float>{std::nanf(""), 1, inf, 1}});
}

TEST_F(PlainNetworkTest, ReadsEveryHalfAsLibTorchDoes) {
  // All finite halves, as a column of weights each multiplied by one.
  std::vector<std::uint16_t> halves;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits >> 10U & 0x1FU) != 0x1F) halves.push_back(static_cast<std::uint16_t>(bits));
  }
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/network.json", sdk::ToJson({Linear("a")}).dump()));
  const auto count = static_cast<std::int64_t>(halves.size());
  ASSERT_TRUE(sdk::WriteSafetensors(
      folder_ + "/weights.safetensors",
      {{"a", {sdk::TensorType::kF16, {count, 1}, std::as_bytes(std::span(halves))}}}, {}));
  const auto answer = Plain().Run({"x", Datatype::kFp32, {1, 1}, std::vector<float>{1}});
  ASSERT_TRUE(answer);
  const auto& got = std::get<std::vector<float>>(answer->data);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    ASSERT_EQ(got[i], float(c10::Half(halves[i], c10::Half::from_bits()))) << halves[i];
  }
}

TEST_F(PlainNetworkTest, GivesARowTheSameBitsInAnyBatch) {
  Write({Linear("a", "b"), Op(LayerOp::kTanh), Linear("c")},
        {{"a", {32, 20}}, {"b", {32}}, {"c", {3, 32}}});
  const Tensor x = Rows(9, 20);
  const Tensor all = Plain().Run(x).value();
  for (std::int64_t row = 0; row < 9; ++row) {
    EXPECT_EQ(Plain().Run(SliceRows(x, row, 1)).value().data, SliceRows(all, row, 1).data);
  }
}

TEST_F(PlainNetworkTest, NamesTheRowThatIsOutsideItsEmbedding) {
  Layer features = Op(LayerOp::kFeatures);
  features.embeddings = {{1, "e"}};
  Write({features}, {{"e", {5, 3}}});
  for (const float id : {5.0F, -1.0F, std::nanf(""), 1e30F}) {
    const auto answer =
        Plain().Run({"x", Datatype::kFp32, {2, 2}, std::vector<float>{0, 4, 0, id}});
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().message, HasSubstr("feature 1 of row 2 is no row"));
  }
}

TEST_F(PlainNetworkTest, RefusesAnotherWidth) {
  Write({Linear("a")}, {{"a", {3, 2}}});
  const auto answer = Plain().Run(Rows(1, 3));
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("[N, 2], not FP32 [1, 3]"));
  Layer features = Op(LayerOp::kFeatures);
  features.numbers = {2};
  Write({features}, {{"a", {1}}});
  EXPECT_TRUE(Plain().Run(Rows(1, 5)));
  EXPECT_FALSE(Plain().Run(Rows(1, 2)));
}

TEST_F(PlainNetworkTest, LeavesLargeNetworksToLibTorch) {
  Write({Linear("a")}, {{"a", {3, 2}}});
  EXPECT_TRUE(PlainNetwork::Load(folder_, "weights.safetensors", 6).value());
  EXPECT_FALSE(PlainNetwork::Load(folder_, "weights.safetensors", 5).value());
  WriteLayerMlp(folder_);
  const auto large = LoadLargeNetwork(folder_, "weights.safetensors");
  ASSERT_TRUE(large) << large.error().message;
  const Tensor x = Rows(3, 64);
  const auto want = (*large)->Run({x}).value();
  const auto got = Plain().Run(x).value();
  EXPECT_THAT(
      std::get<std::vector<float>>(got.data),
      testing::Pointwise(testing::FloatNear(1e-5F), std::get<std::vector<float>>(want[0].data)));
}

}  // namespace
}  // namespace penstock::model
