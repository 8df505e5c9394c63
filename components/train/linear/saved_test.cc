// What a server makes of a saved linear model.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "components/model/backend.h"
#include "components/train/learner.h"
#include "components/train/linear/testing/linear_data.h"

namespace penstock::train {
namespace {

void ExpectServedAsAnswered(Target target, const std::function<double(double, double)>& label) {
  Table table = MakeTable(300, 5, 21);
  for (std::size_t i = 0; i < 300; ++i) {
    table.y.push_back(label(table.Linear(i, {1, -0.5, 0.3}), table.noise[i]));
  }
  Context context;
  context.features = table.features;
  context.target = target;
  const auto fitted = MakeLinear({})->Fit(table.rows(), {{"penalty", 1e-3}}, std::nullopt, context);
  ASSERT_TRUE(fitted) << fitted.error().message;
  const std::string folder = ::testing::TempDir() + "linear." + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  sdk::ModelManifest manifest;
  const auto saved = (*fitted)->Save(folder, manifest);
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(manifest.backend, "safetensors");
  const auto network = model::LoadLayerNetwork(folder, manifest.file);
  ASSERT_TRUE(network) << network.error().message;
  const model::Tensor x{"x",
                        model::Datatype::kFp32,
                        {300, 5},
                        std::vector<float>(table.x.data.get(), table.x.data.get() + 1500)};
  const auto served = (*network)->Run({x});
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(served) << served.error().message;
  EXPECT_EQ(served->front().shape.size(), target.width() == 1 ? 1U : 2U);
  const auto& values = std::get<std::vector<float>>(served->front().data);
  const auto answers = (*fitted)->Answer(table.x);
  ASSERT_TRUE(answers);
  ASSERT_EQ(values.size(), answers->size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double wanted = (*answers)[i];
    EXPECT_NEAR(double(values[i]), wanted, 1e-6 * std::max(1.0, std::abs(wanted)));
  }
}

Target Regression(Loss loss) {
  Target target;
  target.task = sdk::ModelTask::kRegression;
  target.loss = loss;
  return target;
}

TEST(SavedLinear, ServesProbabilities) {
  Target target;
  target.classes = 2;
  ExpectServedAsAnswered(target, [](double z, double e) { return z + 2 * (e - 0.5) > 0.3; });
  target.classes = 3;
  ExpectServedAsAnswered(
      target, [](double z, double e) { return int(z + e > 0.5) + int(z + 2 * e > 1.5); });
}

TEST(SavedLinear, ServesValuesInTheLabelsUnit) {
  ExpectServedAsAnswered(Regression(Loss::kSquared),
                         [](double z, double e) { return 1000 * z + 300 * e - 5000; });
  ExpectServedAsAnswered(Regression(Loss::kAbsolute), [](double z, double e) { return z + e; });
}

TEST(SavedLinear, ServesRatesThatAreNeverNegative) {
  ExpectServedAsAnswered(Regression(Loss::kPoisson),
                         [](double z, double e) { return std::floor(std::exp(z) * 40 * e); });
}

}  // namespace
}  // namespace penstock::train
