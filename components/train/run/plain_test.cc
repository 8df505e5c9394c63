// linear and boosting through the whole of train, as penstock-components runs them: without
// LibTorch.
#include <gtest/gtest.h>

#include <fstream>

#include "components/model_format/model_artifact.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run/run.h"
#include "components/train/run/testing/known_rows.h"
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

class PlainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sdk::WriteDataset(folder_ / "train", {MakeKnownRows(1200, 1).rows});
    sdk::WriteDataset(folder_ / "valid", {MakeKnownRows(400, 2).rows});
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
      // Of a learner, by rows that chose none of its settings; a setting alone may look better.
      if (line.contains("value") && line.value("nested", false)) {
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

// The upper quartile of a column that is 0 in three rows of four is 0 in some folds and above in
// others, and with it whether there is a bend.
TEST_F(PlainTest, LinearIsTrainedWhereOnlySomeFoldsHaveABend) {
  Json rows = Json::array();
  for (int r = 0; r < 400; ++r) {
    const double x = r % 4 == 0 ? 1 + 0.1 * r : 0;
    rows.push_back({x, std::string(1, char('a' + r % 3)), 0.3 * x + r % 3 + 0.01 * (r * 7 % 11)});
  }
  sdk::WriteDataset(folder_ / "train", {sdk::BatchOf({arrow::field("x", arrow::float64()),
                                                      arrow::field("c", arrow::utf8()),
                                                      arrow::field("y", arrow::float64())},
                                                     rows.dump())});
  sdk::Step fit({{"label", "y"}, {"bends", {{"x", {{"knots", 3}}}}}, {"oneHot", {"c"}}},
                {{"dataset", {folder_ / "train", "", ""}}},
                {{"transform", folder_ / "transform.json"}}, "");
  const auto fitted = transform::RunTransform(fit);
  ASSERT_TRUE(fitted) << fitted.error().message;
  sdk::Step step(
      {{"label", "y"}, {"model", "linear"}, {"logTarget", "never"}},
      {{"train", {folder_ / "train", "", ""}}, {"transform", {folder_ / "transform.json", "", ""}}},
      {{"model", folder_ / "model"}, {"metrics", folder_ / "model.json"}}, "");
  const auto ok = RunTrainWithoutNetworks(step);
  ASSERT_TRUE(ok) << ok.error().message;
  const Json metrics = Json::parse(*ReadFile(folder_ / "model.json"));
  EXPECT_FALSE(metrics["board"][0].contains("error")) << metrics["board"].dump();
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
