// The tokens of a text: one table, the mean of its rows, the same in training and in both exports.
#include <gtest/gtest.h>
#include <torch/script.h>

#include <cmath>

#include "components/model/layer_network.h"
#include "components/model/plain_network.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/mlp/testing/tables.h"
#include "components/train/mlp/training.h"

namespace penstock::train {
namespace {

constexpr std::size_t kLength = 5;
constexpr std::int64_t kIds = 12;

// Texts of up to five tokens after a number and an id; the label says whether id 3 is among them.
TestTable Texts(std::size_t rows, unsigned seed) {
  std::vector<sdk::Feature> features = {{"a", 0}, {"t[0]", kIds, false, kLength}};
  for (std::size_t i = 1; i < kLength; ++i) {
    features.push_back({"t[" + std::to_string(i) + "]", kIds, false, -1});
  }
  features.push_back({"c", 4});
  return MakeTable(std::move(features), rows, seed, [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    const std::size_t count = random() % (kLength + 1);
    bool found = false;
    for (std::size_t i = 0; i < kLength; ++i) {
      row[1 + i] = i < count ? float(1 + random() % (kIds - 1)) : 0;
      found = found || row[1 + i] == 3;
    }
    row[1 + kLength] = float(random() % 4);
    return double(found);
  });
}

MlpOptions Options(std::vector<std::int64_t> hidden) {
  MlpOptions options;
  options.hidden = std::move(hidden);
  options.dropout = 0;
  options.epochs = 30;
  return options;
}

TEST(Bag, LearnsWhichTokensATextHas) {
  const auto table = Texts(2000, 1);
  const auto other = Texts(500, 2);
  const auto context = ContextOf(table, Classes(2));
  const auto trials = MakeMlp(Options({16}))->Try(table.rows(), other.rows(), context);
  ASSERT_TRUE(trials) << trials.error().message;
  std::size_t right = 0;
  for (std::size_t i = 0; i < other.y.size(); ++i) {
    right += ((*trials)[0].answers[i] > 0.5) == (other.y[i] == 1) ? 1 : 0;
  }
  EXPECT_GT(right, 475U);
}

TEST(Bag, AnswersTheSameInWhateverOrderAndWithWhateverPadding) {
  auto table = Texts(200, 1);
  const auto context = ContextOf(table, Classes(2));
  auto options = Options({8});
  options.epochs = 3;
  const auto learner = MakeMlp(options);
  const auto trials = learner->Try(table.rows(), table.rows(), context);
  ASSERT_TRUE(trials) << trials.error().message;
  const auto fitted = learner->Fit(table.rows(), (*trials)[0].setting, 3, context);
  ASSERT_TRUE(fitted);
  auto pair = Texts(2, 3);
  for (std::size_t row = 0; row < 2; ++row) {
    float* x = pair.x.data.get() + row * pair.x.width;
    const float one[] = {0, 7, 2, 0, 0, 0, 1};
    const float two[] = {0, 0, 0, 2, 0, 7, 1};
    std::copy_n(row == 0 ? one : two, pair.x.width, x);
  }
  const auto answers = (*fitted)->Answer(pair.x);
  ASSERT_TRUE(answers);
  EXPECT_NEAR((*answers)[0], (*answers)[1], 1e-6);
}

TEST(Bag, AnswersAsFittedByEveryExecutorThatServesIt) {
  const auto table = Texts(64, 1);
  const auto context = ContextOf(table, Classes(3));
  for (const auto& hidden : std::vector<std::vector<std::int64_t>>{{}, {8}, {8, 4}}) {
    for (const std::string format : {"torchscript", "safetensors"}) {
      auto options = Options(hidden);
      options.epochs = 2;
      options.format = format;
      const auto learner = MakeMlp(options);
      const auto trials = learner->Try(table.rows(), table.rows(), context);
      ASSERT_TRUE(trials) << trials.error().message;
      const auto fitted = learner->Fit(table.rows(), (*trials)[0].setting, 2, context);
      ASSERT_TRUE(fitted);
      const sdk::TestFolder folder;
      sdk::ModelManifest manifest;
      const auto saved = (*fitted)->Save(folder.path(), manifest);
      ASSERT_TRUE(saved) << saved.error().message;
      const auto expected = (*fitted)->Answer(table.x).value();
      const std::vector<std::int64_t> shape = {std::int64_t(table.x.rows),
                                               std::int64_t(table.x.width)};
      std::vector<std::vector<float>> all;
      const auto add = [&](const torch::Tensor& y) {
        const auto own = y.contiguous();
        all.emplace_back(own.const_data_ptr<float>(), own.const_data_ptr<float>() + own.numel());
      };
      const auto x = torch::from_blob(table.x.data.get(), shape);
      if (format == "torchscript") {
        add(torch::jit::load(folder / "model.ts").forward({x}).toTensor());
      } else {
        const auto network = model::LayerNetwork::Load(folder.path(), "weights.safetensors");
        ASSERT_TRUE(network) << network.error().message;
        add(network->Run(x));
        const auto plain = model::PlainNetwork::Load(folder.path(), "weights.safetensors", 1 << 20);
        ASSERT_TRUE(plain) << plain.error().message;
        model::Tensor input;
        input.shape = shape;
        input.data = std::vector<float>(table.x.data.get(),
                                        table.x.data.get() + table.x.rows * table.x.width);
        const auto answer = (*plain)->Run(input);
        ASSERT_TRUE(answer) << answer.error().message;
        all.push_back(std::get<std::vector<float>>(answer->data));
      }
      for (const auto& answers : all) {
        ASSERT_EQ(answers.size(), expected.size());
        for (std::size_t i = 0; i < answers.size(); ++i) {
          ASSERT_NEAR(double(answers[i]), expected[i], 1e-6) << format << hidden.size();
        }
      }
    }
  }
}

TEST(Bag, EntersTheFirstLayerAsOneEmbedding) {
  const auto table = Texts(1, 1);
  EXPECT_EQ(InputWidth(table.features),
            1U + std::size_t(sdk::EmbeddingWidth(kIds)) + std::size_t(sdk::EmbeddingWidth(4)));
}

}  // namespace
}  // namespace penstock::train
