// A network that begins with another's weights, and layers that stay as they are.
#include "components/train/mlp/init.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include <filesystem>

#include "components/sdk/testing/test_data.h"
#include "components/train/mlp/testing/tables.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

// A number, an id and a number.
TestTable Mixed(std::size_t rows, unsigned seed, unsigned classes) {
  return MakeTable({{"a", 0}, {"id", 5}, {"b", 0}}, rows, seed,
                   [=](std::mt19937& random, float* row) {
                     row[0] = Normal(random);
                     row[1] = float(random() % 5);
                     row[2] = Normal(random);
                     return double((row[0] > 0 ? 1U : 0U) + (row[1] > 2 ? 1U : 0U)) * (classes > 1);
                   });
}

std::map<std::string, torch::Tensor> TensorsOf(const std::string& file) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& p : torch::jit::load(file).named_parameters()) tensors[p.name] = p.value;
  return tensors;
}

class InitTest : public ::testing::Test {
 protected:
  InitTest() : table_(Mixed(300, 1, 3)), other_(Mixed(300, 2, 3)) {
    options_.epochs = 4;
    options_.dropout = 0.1;
    options_.batch_size = 64;
  }
  static std::string Saved(const Fitted& fitted, const std::string& folder) {
    std::filesystem::create_directories(folder);
    sdk::ModelManifest manifest;
    const auto ok = fitted.Save(folder, manifest);
    EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
    return folder + "/" + manifest.file;
  }
  Result<std::unique_ptr<Fitted>> Learn(const MlpOptions& options, const TestTable& table,
                                        std::string checkpoint = "",
                                        const Target& target = Classes(3)) {
    Context context = ContextOf(table, target);
    context.checkpoint = std::move(checkpoint);
    context.stop = stop_;
    const auto learner = MakeMlp(options);
    const auto trials = learner->Try(table.rows(), table.rows(), context);
    if (!trials) return trials.error();
    return learner->Fit(table.rows(), (*trials)[0].setting, (*trials)[0].rounds, context);
  }
  // A pretrained network's file.
  std::string Pretrained(std::optional<std::int64_t> networks, std::vector<std::int64_t> hidden,
                         const std::string& format = "torchscript") {
    MlpOptions options = options_;
    options.networks = networks;
    options.hidden = std::move(hidden);
    options.format = format;
    const auto fitted = Learn(options, other_);
    EXPECT_TRUE(fitted) << fitted.error().message;
    return Saved(**fitted, folder_ / ("pre" + std::to_string(++count_)));
  }
  MlpOptions With(const std::string& file, std::vector<std::string> freeze = {}) {
    MlpOptions options = options_;
    options.init.file = file;
    options.init.format = file.ends_with(".ts") ? "torchscript" : "safetensors";
    options.init.digest = file;
    options.init.freeze = std::move(freeze);
    return options;
  }
  std::string Problem(const MlpOptions& options, const Target& target = Classes(3)) {
    const auto fitted = Learn(options, table_, "", target);
    return fitted ? "accepted" : fitted.error().message;
  }
  // What init makes of a network that learns nothing: its first answers.
  std::vector<double> FirstAnswers(const std::string& file) {
    MlpOptions options = With(file);
    options.learning_rate = 1e-8;
    options.weight_decay = 0;
    options.epochs = 1;
    options.dropout = 0;
    const auto fitted = Learn(options, table_);
    EXPECT_TRUE(fitted) << (fitted ? "" : fitted.error().message);
    return fitted ? (*fitted)->Answer(table_.x).value() : std::vector<double>();
  }

  sdk::TestFolder folder_;
  TestTable table_;
  TestTable other_;
  MlpOptions options_;
  std::function<bool()> stop_;
  int count_ = 0;
};

void ExpectHas(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

// Whatever our trainer writes (several networks, their direct path, both formats, no hidden layer).
TEST_F(InitTest, BeginsWithTheAnswersOfTheNetworkThatIsGiven) {
  for (const std::string format : {"torchscript", "safetensors"}) {
    for (const auto& hidden :
         std::vector<std::vector<std::int64_t>>{{}, {16}, {16, 12}, {8, 8, 6}}) {
      for (const std::int64_t networks : {1, 3, 4}) {
        MlpOptions options = options_;
        options.hidden = hidden;
        options.networks = networks;
        options.format = format;
        const auto fitted = Learn(options, other_);
        ASSERT_TRUE(fitted) << fitted.error().message;
        const auto file = Saved(**fitted, folder_ / ("p" + std::to_string(++count_)));
        const auto expected = (*fitted)->Answer(table_.x).value();
        const auto first = FirstAnswers(file);
        ASSERT_EQ(first.size(), expected.size());
        for (std::size_t i = 0; i < first.size(); ++i) {
          ASSERT_NEAR(first[i], expected[i], 1e-4) << format << hidden.size() << networks;
        }
      }
    }
  }
}

TEST_F(InitTest, FrozenLayersKeepEveryBitAndTheOthersLearn) {
  for (const std::int64_t networks : {1, 4}) {
    const auto file = Pretrained(networks, {16, 12});
    const auto fitted = Learn(With(file, {"e*", "?0"}), table_);
    ASSERT_TRUE(fitted) << fitted.error().message;
    const auto before = TensorsOf(file);
    const auto after = TensorsOf(Saved(**fitted, folder_ / "after"));
    ASSERT_EQ(before.size(), after.size());
    for (const auto& [name, tensor] : before) {
      const bool frozen = name[0] == 'e' || name[1] == '0';
      EXPECT_EQ(torch::equal(tensor, after.at(name)), frozen) << name;
    }
    const Json said = (*fitted)->Describe()["init"];
    EXPECT_EQ(said["frozen"], (Json{"b0", "e0", "w0"}));
    EXPECT_EQ(said["fresh"], Json::array());
  }
}

TEST_F(InitTest, FrozenLastLayerKeepsEveryBit) {
  const auto file = Pretrained(4, {16});
  const auto fitted = Learn(With(file, {"w1", "b1"}), table_);
  ASSERT_TRUE(fitted) << fitted.error().message;
  const auto before = TensorsOf(file);
  const auto after = TensorsOf(Saved(**fitted, folder_ / "after"));
  EXPECT_TRUE(torch::equal(before.at("w1"), after.at("w1")));
  EXPECT_TRUE(torch::equal(before.at("b1"), after.at("b1")));
  EXPECT_FALSE(torch::equal(before.at("w0"), after.at("w0")));
}

TEST_F(InitTest, GoesOnAfterAStopToTheSameBits) {
  const auto options = With(Pretrained(2, {16, 12}), {"?0"});
  const auto unbroken = Learn(options, table_);
  ASSERT_TRUE(unbroken) << unbroken.error().message;
  const auto expected = (*unbroken)->Answer(table_.x).value();
  const std::string checkpoint = folder_ / "checkpoint";
  std::filesystem::create_directories(checkpoint);
  for (const int steps : {1, 7, 5}) {
    stop_ = [left = steps]() mutable { return left-- == 0; };
    EXPECT_EQ(Learn(options, table_, checkpoint).error().kind, ErrorKind::kCancelled);
  }
  stop_ = nullptr;
  const auto resumed = Learn(options, table_, checkpoint);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ((*resumed)->Answer(table_.x).value(), expected);
}

// A state of other weights, or of other frozen layers, was none of this training's.
TEST_F(InitTest, ACheckpointOfAnotherInitIsNotTaken) {
  const auto file = Pretrained(1, {16});
  const std::string checkpoint = folder_ / "checkpoint";
  std::filesystem::create_directories(checkpoint);
  stop_ = [left = 9]() mutable { return left-- == 0; };
  EXPECT_FALSE(Learn(With(file, {"?0"}), table_, checkpoint));
  stop_ = nullptr;
  MlpOptions other = With(file);
  const auto fresh = Learn(other, table_);
  const auto beside = Learn(other, table_, checkpoint);
  ASSERT_TRUE(fresh && beside);
  EXPECT_EQ((*fresh)->Answer(table_.x).value(), (*beside)->Answer(table_.x).value());
}

TEST_F(InitTest, RefusesByNameWhatDoesNotMatchUnlessItMayBeginAnew) {
  const auto file = Pretrained(1, {16});
  MlpOptions options = With(file);
  const auto problem = Problem(options, Classes(2));
  ExpectHas(problem, "w1 is [3, ");
  ExpectHas(problem, "b1 is [3] there, where [1, 1] is needed");
  ExpectHas(problem, "initUnmatched: fresh");
  options.init.fresh = true;
  auto binary = Mixed(300, 4, 3);
  for (double& y : binary.y) y = y > 0 ? 1 : 0;
  const auto fitted = Learn(options, binary, "", Classes(2));
  ASSERT_TRUE(fitted) << fitted.error().message;
  const Json said = (*fitted)->Describe()["init"];
  EXPECT_EQ(said["taken"], (Json{"e0", "w0", "b0"}));
  EXPECT_EQ(said["fresh"], (Json{"w1", "b1"}));
  EXPECT_EQ(said["unused"], (Json{"b1", "w1"}));
  options.init.freeze = {"w1"};
  ExpectHas(Problem(options, Classes(2)), "freeze: 'w1' is w1, which is not taken over from init");
}

TEST_F(InitTest, TakesLayersThatAreCalledOtherwiseByTheirNames) {
  torch::jit::Module module("Net");
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    module.register_parameter(name, torch::randn(shape), false);
    return module.attr(name).toTensor();
  };
  const auto body = add("encoder_weight", {7, 2 + sdk::EmbeddingWidth(5)});
  add("encoder_bias", {7});
  add("table", {5, sdk::EmbeddingWidth(5)});
  add("head", {3, 7});
  add("head_bias", {3});
  module.define("def forward(self, x: Tensor) -> Tensor:\n  return x\n");
  module.save(folder_ / "net.ts");
  MlpOptions options = With(folder_ / "net.ts", {"encoder_*"});
  ExpectHas(Problem(options), "w0 is not there");
  options.init.names = {{"w0", "encoder_weight"},
                        {"b0", "encoder_bias"},
                        {"e0", "table"},
                        {"w1", "head"},
                        {"b1", "head_bias"}};
  const auto fitted = Learn(options, table_);
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_EQ((*fitted)->Describe()["hidden"], Json{7});
  EXPECT_TRUE(torch::equal(TensorsOf(Saved(**fitted, folder_ / "after")).at("w0"), body));
  options.init.names["w9"] = "head";
  ExpectHas(Problem(options), "initNames: the network has no 'w9'");
}

TEST_F(InitTest, SaysWhatIsWrongWithWhatIsGiven) {
  const auto file = Pretrained(3, {16});
  ExpectHas(Problem(With(file, {"x*"})), "freeze: no layer is named 'x*'; there are ");
  ExpectHas(Problem(With(file, {"*"})), "freeze: ");
  const auto one = Pretrained(1, {16});
  ExpectHas(Problem(With(one, {"*"})), "all layers are frozen");
  ExpectHas(Problem(With(folder_ / "none.ts")), "input init");
  const auto grouped = Pretrained(3, {16, 12});
  ExpectHas(Problem(With(grouped, {"w2"})), "the mean of 3 networks");
  torch::jit::Module module("Net");
  module.register_parameter("w0", torch::full({3, 4}, std::nan("")), false);
  module.define("def forward(self, x: Tensor) -> Tensor:\n  return x\n");
  module.save(folder_ / "nan.ts");
  ExpectHas(Problem(With(folder_ / "nan.ts")), "'w0' holds what is no finite number");
}

// What a batch norm has learnt was left out without a word: its answers were not the network's.
TEST_F(InitTest, BuffersThatNothingTakesAreNamed) {
  auto module = torch::jit::load(Pretrained(1, {16}));
  module.register_buffer("norm_mean", torch::ones({16}));
  module.register_buffer("seen", torch::ones({1}, torch::kLong));
  module.save(folder_ / "norm.ts");
  MlpOptions options = With(folder_ / "norm.ts");
  ExpectHas(Problem(options), "nothing takes its 'norm_mean' [16]");
  options.init.fresh = true;
  const auto fitted = Learn(options, table_);
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_EQ((*fitted)->Describe()["init"]["unused"], Json{"norm_mean"});
}

// LibTorch throws for such a shape, and nothing caught it.
TEST_F(InitTest, ATensorOfNoValuesWithASideBeyondAllBoundsIsAnError) {
  std::string header =
      R"({"w0":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],)"
      R"("data_offsets":[0,0]}})";
  std::string bytes(8, '\0');
  bytes[0] = char(header.size());
  const auto written = WriteFileAtomically(folder_ / "hostile", bytes + header);
  ASSERT_TRUE(written);
  ExpectHas(Problem(With(folder_ / "hostile")), "input init: ");
}

// It had one network then, and no layer of several fitted it.
TEST_F(InitTest, TheLayersOfInitSaidAgainKeepItsNetworks) {
  const auto file = Pretrained(4, {16, 12});
  const auto fitted = Learn(With(file), table_);
  ASSERT_TRUE(fitted) << fitted.error().message;
  MlpOptions options = With(file);
  options.hidden = (*fitted)->Describe()["hidden"].get<std::vector<std::int64_t>>();
  const auto again = Learn(options, table_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->Describe()["networks"], 4);
  EXPECT_EQ((*again)->Answer(table_.x).value(), (*fitted)->Answer(table_.x).value());
}

// A network of the same shape whose first number is another column.
TEST_F(InitTest, RefusesANetworkWhoseNumbersAreOtherColumns) {
  const auto file = Pretrained(1, {16});
  auto moved = Mixed(300, 3, 3);
  std::swap(moved.features[0], moved.features[1]);
  for (std::size_t i = 0; i < moved.x.rows; ++i) {
    std::swap(moved.x.data[i * 3], moved.x.data[i * 3 + 1]);
  }
  const auto fitted = Learn(With(file), moved);
  ASSERT_FALSE(fitted);
  ExpectHas(fitted.error().message, "other columns as numbers");
}

}  // namespace
}  // namespace penstock::train
