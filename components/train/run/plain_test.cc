// linear and boosting through the whole of train, as penstock-components runs them: without
// LibTorch.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "components/model_format/model_artifact.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run/run.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

using sdk::TestFolder;

bool Maps(const std::string& library) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    if (line.find(library) != std::string::npos) return true;
  }
  return false;
}

// Labels of a known model of x, its square and a category.
std::shared_ptr<arrow::RecordBatch> RowsOf(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  arrow::DoubleBuilder x, value;
  arrow::StringBuilder c, kind;
  arrow::BooleanBuilder late;
  arrow::Int64Builder calls;
  for (int i = 0; i < count; ++i) {
    const double number = normal(random);
    const int category = int(random() % 5);
    const double p = 1 / (1 + std::exp(-(1.5 * number - number * number + 0.8 * category - 1.5)));
    std::poisson_distribution<int> draw(std::exp(0.5 * number));
    EXPECT_TRUE(x.Append(number).ok() && c.Append("c" + std::to_string(category)).ok() &&
                late.Append(uniform(random) < p).ok() &&
                value.Append(std::exp(number + 0.1 * category + 0.3 * normal(random))).ok() &&
                kind.Append(number < -0.5  ? "low"
                            : number < 0.5 ? "mid"
                                           : "top")
                    .ok() &&
                calls.Append(draw(random)).ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("x", arrow::float64()), arrow::field("c", arrow::utf8()),
                     arrow::field("late", arrow::boolean()),
                     arrow::field("value", arrow::float64()), arrow::field("kind", arrow::utf8()),
                     arrow::field("calls", arrow::int64())}),
      count,
      {x.Finish().ValueOrDie(), c.Finish().ValueOrDie(), late.Finish().ValueOrDie(),
       value.Finish().ValueOrDie(), kind.Finish().ValueOrDie(), calls.Finish().ValueOrDie()});
}

class PlainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sdk::WriteDataset(folder_ / "train", {RowsOf(1200, 1)});
    sdk::WriteDataset(folder_ / "valid", {RowsOf(400, 2)});
    sdk::Step fit({{"label", "late"}, {"scale", {"x"}}, {"oneHot", {"c"}}},
                  {{"dataset", {folder_ / "train", "", ""}}},
                  {{"transform", folder_ / "transform.json"}}, "");
    const auto ok = transform::RunTransform(fit);
    ASSERT_TRUE(ok) << ok.error().message;
  }
  Json Train(Json parameters, const std::string& name) {
    if (!parameters.contains("label")) parameters["label"] = "late";
    sdk::Step step(parameters,
                   {{"train", {folder_ / "train", "", ""}},
                    {"valid", {folder_ / "valid", "", ""}},
                    {"transform", {folder_ / "transform.json", "", ""}}},
                   {{"model", folder_ / name}, {"metrics", folder_ / (name + ".json")}}, "");
    const auto ok = RunTrainWithoutNetworks(step);
    EXPECT_TRUE(ok) << (ok ? "" : ok.error().message);
    return ok ? Json::parse(*ReadFile(folder_ / (name + ".json"))) : Json::object();
  }

  TestFolder folder_;
};

TEST_F(PlainTest, LinearAndBoostingLearnWithoutLibTorch) {
  const Json linear = Train({{"model", "linear"}}, "linear");
  const Json boosting = Train({{"model", "boosting"}}, "boosting");
  EXPECT_GT(linear["overall"]["auc"]["value"].get<double>(), 0.7);
  EXPECT_GT(boosting["overall"]["auc"]["value"].get<double>(),
            linear["overall"]["auc"]["value"].get<double>() + 0.01);  // sees the square
  EXPECT_EQ(sdk::LoadModelManifest(folder_ / "linear")->backend, "safetensors");
  EXPECT_EQ(sdk::LoadModelManifest(folder_ / "boosting")->backend, "xgboost");
  EXPECT_FALSE(Maps("libtorch"));
  EXPECT_TRUE(Maps("libxgboost"));  // or the look-up would prove nothing
}

TEST_F(PlainTest, AutoTakesTheBetterOfBothForEachKindOfLabel) {
  for (const char* label : {"late", "kind", "value"}) {
    const Json metrics = Train({{"label", label}}, label);
    const Json& board = metrics["board"];
    ASSERT_GE(board.size(), 2U) << label;
    EXPECT_EQ(board[0]["chosen"], true);
    EXPECT_EQ(metrics["choice"]["beatsDummy"], true) << label;
    for (const Json& line : board) {
      EXPECT_FALSE(line.contains("error")) << label << line.dump();
      if (line.contains("value")) {
        EXPECT_LE(board[0]["value"].get<double>(), line["value"].get<double>()) << label;
      }
    }
  }
}

TEST_F(PlainTest, CountsAreLearntByPoisson) {
  const Json metrics =
      Train({{"label", "calls"}, {"loss", "poisson"}, {"model", "linear"}}, "calls");
  EXPECT_EQ(metrics["choice"]["metric"], "poissonDeviance");
  EXPECT_EQ(metrics["choice"]["beatsDummy"], true);
}

TEST_F(PlainTest, ASkewedLabelIsLearntByItsLogarithmWhereThatIsBetter) {
  const Json metrics = Train({{"label", "value"}, {"model", "linear"}}, "value");
  EXPECT_EQ(metrics["board"][0]["logTarget"], true);
  EXPECT_EQ(sdk::LoadModelManifest(folder_ / "value")->link, sdk::Link::kLog);
}

TEST_F(PlainTest, TheSameSeedGivesTheSameModel) {
  for (const char* model : {"linear", "boosting"}) {
    Train({{"model", model}, {"seed", 3}}, "a");
    Train({{"model", model}, {"seed", 3}}, "b");
    const std::string file = sdk::LoadModelManifest(folder_ / "a")->file;
    EXPECT_EQ(*ReadFile(folder_ / ("a/" + file)), *ReadFile(folder_ / ("b/" + file))) << model;
  }
}

}  // namespace
}  // namespace penstock::train
