// What is saved answers as what was fitted, by the executors that serve it.
#include <gtest/gtest.h>
#include <torch/script.h>

#include <cmath>

#include "components/model/layer_network.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/mlp/testing/tables.h"

namespace penstock::train {
namespace {

TestTable Mixed(std::size_t rows) {
  return MakeTable({{"a", 0}, {"id", 5}, {"b", 0}}, rows, 1, [](std::mt19937& random, float* row) {
    row[0] = Normal(random);
    row[1] = float(random() % 5);
    row[2] = Normal(random);
    return double(random() % 3);
  });
}

std::vector<double> AnswersOf(const std::string& folder, const std::string& format,
                              const TestTable& table) {
  const auto x = torch::from_blob(table.x.data.get(), {std::int64_t(table.x.rows), 3});
  torch::Tensor y;
  if (format == "safetensors") {
    const auto network = model::LayerNetwork::Load(folder, "weights.safetensors");
    EXPECT_TRUE(network) << network.error().message;
    EXPECT_EQ(network->shape().inputs, 3);
    y = network->Run(x);
  } else {
    y = torch::jit::load(folder + "/model.ts").forward({x}).toTensor();
  }
  y = y.to(torch::kFloat64).contiguous();
  return {y.const_data_ptr<double>(), y.const_data_ptr<double>() + y.numel()};
}

void ExpectSavedAnswers(const Target& target, const std::vector<std::int64_t>& hidden) {
  const auto table = Mixed(64);
  for (const std::string format : {"torchscript", "safetensors"}) {
    MlpOptions options;
    options.hidden = hidden;
    options.epochs = 2;
    options.format = format;
    const auto learner = MakeMlp(options);
    const auto context = ContextOf(table, target);
    const auto trials = learner->Try(table.rows(), table.rows(), context);
    ASSERT_TRUE(trials) << trials.error().message;
    const auto fitted = learner->Fit(table.rows(), (*trials)[0].setting, 2, context);
    ASSERT_TRUE(fitted) << fitted.error().message;
    const sdk::TestFolder folder;
    sdk::ModelManifest manifest;
    const auto saved = (*fitted)->Save(folder.path(), manifest);
    ASSERT_TRUE(saved) << saved.error().message;
    EXPECT_EQ(manifest.backend, format);
    const auto expected = (*fitted)->Answer(table.x).value();
    const auto answers = AnswersOf(folder.path(), format, table);
    ASSERT_EQ(answers.size(), expected.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      ASSERT_NEAR(answers[i], expected[i], 1e-6 * (1 + std::abs(expected[i])));
    }
  }
}

TEST(MlpSave, AnswersAsFittedWithAnyNumberOfLayers) {
  for (const auto& hidden : std::vector<std::vector<std::int64_t>>{
           {}, {8}, {8, 6}, {8, 6, 4}, {16}, {16, 12}, {16, 12, 14}}) {  // from 12: a direct path
    ExpectSavedAnswers(Classes(3), hidden);
  }
}

TEST(MlpSave, AnswersAsFittedForEveryKindOfAnswer) {
  ExpectSavedAnswers(Classes(3), {8, 6});
  ExpectSavedAnswers(Values(), {8, 6});
  ExpectSavedAnswers(Values(Loss::kPoisson), {8, 6});
}

}  // namespace
}  // namespace penstock::train
